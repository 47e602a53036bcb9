// SPDX-License-Identifier: MIT
#include "codecs/png_deep.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "codecs/png_pixels.h"
#include "common/error.h"
#include "kernels/kernels.h"

namespace fastbatch {
namespace {

constexpr std::uint16_t kMost = 65535;

// Big-endian numbers to numbers of this machine.
void load(const std::uint8_t* src, void* dst, std::size_t n) {
  auto* const to = static_cast<std::byte*>(dst);
  const auto* const from = reinterpret_cast<const std::byte*>(src);
  if constexpr (std::endian::native == std::endian::little) {
    kernels::byte_swap(from, to, n, sizeof(std::uint16_t));
  } else {
    std::memcpy(to, from, n * sizeof(std::uint16_t));
  }
}

// Pillow's weights; the sum of 32 bits does not overflow.
std::uint16_t luma(const std::uint16_t* rgb) {
  return static_cast<std::uint16_t>((rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >> 16U);
}

}  // namespace

PngDeepPixels::PngDeepPixels(const PngChunks& png, ColorMode mode)
    : stored_(png_bits_of_pixel(png) / 16),
      channels_(mode == ColorMode::kStored ? stored_ : channels_of(mode)),
      has_hidden_(png.transparency().kind == PngTransparency::Kind::kColor),
      hidden_(png.transparency().deep_color) {
  const bool known = mode == ColorMode::kGray || mode == ColorMode::kRgb || mode == ColorMode::kRgba;
  if (png.depth() != 16 || !(known || mode == ColorMode::kStored)) {
    throw DecodeError({}, "PNG of " + std::to_string(png.depth()) + " bits cannot be had as 16-bit pixels");
  }
}

void PngDeepPixels::convert(const std::uint8_t* packed, std::size_t x, std::size_t n, std::uint8_t* out) {
  packed += x * stored_ * sizeof(std::uint16_t);
  if (stored_ == channels_) return load(packed, out, n * stored_);
  samples_.resize(n * stored_);
  pixels_.resize(n * channels_);
  load(packed, samples_.data(), samples_.size());
  for (std::size_t i = 0; i < n; ++i) convert_one(samples_.data() + i * stored_, pixels_.data() + i * channels_);
  std::memcpy(out, pixels_.data(), pixels_.size() * sizeof(std::uint16_t));
}

void PngDeepPixels::convert_one(const std::uint16_t* stored, std::uint16_t* pixel) const {
  const bool is_gray = stored_ <= 2;
  if (channels_ == 1) {
    pixel[0] = is_gray ? stored[0] : luma(stored);
    return;
  }
  for (std::size_t c = 0; c < 3; ++c) pixel[c] = stored[is_gray ? 0 : c];
  if (channels_ == 3) return;
  if (stored_ % 2 == 0) {
    pixel[3] = stored[stored_ - 1];
  } else {
    pixel[3] = has_hidden_ && std::equal(stored, stored + stored_, hidden_.begin()) ? 0 : kMost;
  }
}

}  // namespace fastbatch
