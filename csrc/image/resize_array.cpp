// SPDX-License-Identifier: MIT
#include "image/resize_array.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "image/resize_axis.h"
#include "image/resize_numbers.h"

namespace fastbatch {
namespace {

// Colours times alpha, rounded; alpha, the last channel, is unchanged.
void premultiply(const std::uint8_t* src, std::size_t channels, std::uint8_t* dst, std::size_t n_pixels) {
  for (std::size_t i = 0; i < n_pixels; ++i, src += channels, dst += channels) {
    const unsigned alpha = src[channels - 1];
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      const unsigned product = src[c] * alpha + 128U;
      dst[c] = static_cast<std::uint8_t>(((product >> 8U) + product) >> 8U);
    }
    dst[channels - 1] = static_cast<std::uint8_t>(alpha);
  }
}

void unmultiply(std::uint8_t* pixels, std::size_t channels, std::size_t n_pixels) {
  for (std::size_t i = 0; i < n_pixels; ++i, pixels += channels) {
    const unsigned alpha = pixels[channels - 1];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      pixels[c] = static_cast<std::uint8_t>(std::min(255U * pixels[c] / alpha, 255U));
    }
  }
}

void resize_bytes(const ResizeSpec& spec, const std::uint8_t* src, std::uint8_t* dst) {
  const bool has_alpha = spec.channels % 2 == 0 && spec.filter != Filter::kNearest;
  const auto in_stride = static_cast<std::ptrdiff_t>(spec.channels * spec.in_width);
  const auto out_stride = static_cast<std::ptrdiff_t>(spec.channels * spec.out_width);
  std::vector<std::uint8_t> weighted;
  if (has_alpha) {
    weighted.resize(spec.channels * spec.in_width * spec.in_height);
    premultiply(src, spec.channels, weighted.data(), spec.in_width * spec.in_height);
    src = weighted.data();
  }
  std::vector<std::byte> scratch;
  Resizer(spec).run(src, in_stride, dst, out_stride, scratch);
  if (has_alpha) unmultiply(dst, spec.channels, spec.out_width * spec.out_height);
}

}  // namespace

void resize_array(const ResizeSpec& spec, DType dtype, const std::byte* src, std::byte* dst) {
  const bool deep = dtype == DType::kU16 || dtype == DType::kI32 || dtype == DType::kF32;
  if (dtype != DType::kU8 && (!deep || spec.channels != 1)) {
    throw std::invalid_argument("resize: expected uint8 of 1 to 4 channels, or uint16, int32 or float32 of one");
  }
  const std::size_t pixel_bytes = spec.channels * size_of(dtype);
  const std::size_t src_stride = spec.in_width * pixel_bytes;
  const std::size_t dst_stride = spec.out_width * pixel_bytes;
  if (deep) {
    resize_numbers(spec, dtype, src, src_stride, dst, dst_stride);
  } else if (spec.filter == Filter::kNearest || is_copy(spec)) {
    resize_nearest(spec, dtype, src, src_stride, dst, dst_stride);
  } else {
    resize_bytes(spec, reinterpret_cast<const std::uint8_t*>(src), reinterpret_cast<std::uint8_t*>(dst));
  }
}

}  // namespace fastbatch
