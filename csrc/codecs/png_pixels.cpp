// SPDX-License-Identifier: MIT
#include "codecs/png_pixels.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "codecs/color.h"
#include "common/error.h"

namespace fastbatch {
namespace {

using Kind = PngTransparency::Kind;

[[noreturn]] void refuse(std::string_view from, std::string_view to) {
  throw DecodeError({}, "PNG of mode " + std::string(from) + " cannot be had as " + std::string(to));
}

std::uint8_t clip16(const std::uint8_t* big_endian) { return big_endian[0] != 0 ? 255 : big_endian[1]; }

}  // namespace

unsigned png_bits_of_pixel(const PngChunks& png) noexcept {
  switch (png.color()) {
    case 2: return 3 * png.depth();
    case 4: return 2 * png.depth();
    case 6: return 4 * png.depth();
    default: return png.depth();
  }
}

std::string_view png_mode_of(const PngChunks& png) noexcept {
  switch (png.color()) {
    case 0: return png.depth() == 1 ? "1" : png.depth() == 16 ? "I;16" : "L";
    case 2: return "RGB";
    case 3: return "P";
    case 4: return png.depth() == 16 ? "RGBA" : "LA";
    default: return "RGBA";
  }
}

PngPixels::PngPixels(const PngChunks& png, ColorMode mode)
    : mode_(mode), depth_(png.depth()), bits_(png_bits_of_pixel(png)) {
  switch (png.color()) {
    case 0: samples_ = depth_ == 16 ? Samples::kGray16 : Samples::kGray; break;
    case 2: samples_ = Samples::kRgb; break;
    case 3: samples_ = Samples::kIndex; break;
    case 4: samples_ = depth_ == 16 ? Samples::kRgba : Samples::kGrayAlpha; break;
    default: samples_ = Samples::kRgba;
  }
  const bool is_index = samples_ == Samples::kIndex;
  if (mode == ColorMode::kIndex && !is_index) refuse(png_mode_of(png), "P");
  if (mode == ColorMode::kGray16 && is_index) refuse("P", "I;16");
  if (mode == ColorMode::kGrayAlpha && samples_ != Samples::kGrayAlpha) refuse(png_mode_of(png), "LA");

  const PngTransparency& transparency = png.transparency();
  has_hidden_ = transparency.kind == Kind::kColor;
  hidden_ = transparency.color;
  if (!is_index) return;
  const std::span<const std::byte> colors = png.palette();
  if (colors.size() / 3 > palette_.size()) {
    throw DecodeError({}, "broken PNG: expected at most 256 colours, found " + std::to_string(colors.size() / 3));
  }
  for (auto& color : palette_) color[3] = 255;
  for (std::size_t i = 0; i < colors.size() / 3; ++i) std::memcpy(palette_[i].data(), &colors[3 * i], 3);
  if (mode != ColorMode::kRgba) return;
  if (transparency.alphas.size() > palette_.size() || transparency.index >= palette_.size()) {
    throw DecodeError({}, "broken PNG: expected alphas of at most 256 colours, found more");
  }
  for (std::size_t i = 0; i < transparency.alphas.size(); ++i) {
    palette_[i][3] = std::to_integer<std::uint8_t>(transparency.alphas[i]);
  }
  if (transparency.kind == Kind::kIndex) palette_[transparency.index][3] = 0;
}

// Unpacks to 8 bits per sample; 16-bit gray stays unchanged. Gray of fewer bits is scaled to 0 to 255.
const std::uint8_t* PngPixels::unpack(const std::uint8_t* packed, std::size_t x, std::size_t n) {
  if (bits_ >= 8) packed += x * (bits_ / 8);
  if (depth_ == 8 || samples_ == Samples::kGray16) return packed;
  if (depth_ == 16) {
    const bool gray_alpha = bits_ == 32;  // which Pillow opens as RGBA
    const std::size_t n_samples = gray_alpha ? 2 * n : n * (bits_ / 16);
    unpacked_.resize(std::max(4 * n, n_samples));
    for (std::size_t i = 0; !gray_alpha && i < n_samples; ++i) unpacked_[i] = packed[2 * i];
    for (std::size_t i = 0; gray_alpha && i < n; ++i) {
      std::fill_n(&unpacked_[4 * i], 3, packed[4 * i]);
      unpacked_[4 * i + 3] = packed[4 * i + 2];
    }
    return unpacked_.data();
  }
  unpacked_.resize(n);
  const unsigned most = (1U << depth_) - 1;
  const unsigned factor = samples_ == Samples::kIndex ? 1 : 255 / most;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t bit = (x + i) * depth_;
    unpacked_[i] = static_cast<std::uint8_t>((packed[bit / 8] >> (8 - depth_ - bit % 8) & most) * factor);
  }
  return unpacked_.data();
}

void PngPixels::convert(const std::uint8_t* packed, std::size_t x, std::size_t n, std::uint8_t* out) {
  const std::uint8_t* samples = unpack(packed, x, n);
  switch (samples_) {
    case Samples::kGray: return convert_gray(samples, n, out);
    case Samples::kIndex: return convert_index(samples, n, out);
    case Samples::kGrayAlpha: return convert_gray_alpha(samples, n, out);
    case Samples::kRgb: return convert_color(samples, 3, n, out);
    case Samples::kRgba: return convert_color(samples, 4, n, out);
    case Samples::kGray16: break;
  }
  if (mode_ == ColorMode::kGray16) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto value = static_cast<std::uint16_t>(samples[2 * i] << 8U | samples[2 * i + 1]);
      std::memcpy(out + 2 * i, &value, 2);
    }
    return;
  }
  gray_.resize(n);
  for (std::size_t i = 0; i < n; ++i) gray_[i] = clip16(samples + 2 * i);
  convert_gray(gray_.data(), n, out);
}

void PngPixels::convert_gray(const std::uint8_t* gray, std::size_t n, std::uint8_t* out) {
  switch (mode_) {
    case ColorMode::kGray16: return widen_gray(gray, out, n);
    case ColorMode::kRgb:
      for (std::size_t i = 0; i < n; ++i) std::fill_n(out + 3 * i, 3, gray[i]);
      return;
    case ColorMode::kRgba:
      for (std::size_t i = 0; i < n; ++i) {
        std::fill_n(out + 4 * i, 3, gray[i]);
        out[4 * i + 3] = has_hidden_ && gray[i] == hidden_[0] ? 0 : 255;
      }
      return;
    default: std::memcpy(out, gray, n);
  }
}

void PngPixels::convert_gray_alpha(const std::uint8_t* pairs, std::size_t n, std::uint8_t* out) const {
  switch (mode_) {
    case ColorMode::kGray:
      for (std::size_t i = 0; i < n; ++i) out[i] = pairs[2 * i];
      return;
    case ColorMode::kGray16:
      for (std::size_t i = 0; i < n; ++i) widen_gray(pairs + 2 * i, out + 2 * i, 1);
      return;
    case ColorMode::kRgb:
      for (std::size_t i = 0; i < n; ++i) std::fill_n(out + 3 * i, 3, pairs[2 * i]);
      return;
    case ColorMode::kRgba:
      for (std::size_t i = 0; i < n; ++i) {
        std::fill_n(out + 4 * i, 3, pairs[2 * i]);
        out[4 * i + 3] = pairs[2 * i + 1];
      }
      return;
    default: std::memcpy(out, pairs, 2 * n);
  }
}

void PngPixels::convert_index(const std::uint8_t* indices, std::size_t n, std::uint8_t* out) const {
  switch (mode_) {
    case ColorMode::kRgb:
      for (std::size_t i = 0; i < n; ++i) std::memcpy(out + 3 * i, palette_[indices[i]].data(), 3);
      return;
    case ColorMode::kRgba:
      for (std::size_t i = 0; i < n; ++i) std::memcpy(out + 4 * i, palette_[indices[i]].data(), 4);
      return;
    case ColorMode::kGray:
      for (std::size_t i = 0; i < n; ++i) rgb_to_gray(palette_[indices[i]].data(), 3, out + i, 1);
      return;
    default: std::memcpy(out, indices, n);
  }
}

void PngPixels::convert_color(const std::uint8_t* colors, std::size_t channels, std::size_t n, std::uint8_t* out) {
  switch (mode_) {
    case ColorMode::kGray: return rgb_to_gray(colors, channels, out, n);
    case ColorMode::kGray16:
      gray_.resize(n);
      rgb_to_gray(colors, channels, gray_.data(), n);
      return widen_gray(gray_.data(), out, n);
    case ColorMode::kRgba:
      if (channels == 4) break;
      rgb_to_rgba(colors, out, n);
      for (std::size_t i = 0; has_hidden_ && i < n; ++i) {
        if (std::equal(hidden_.begin(), hidden_.end(), colors + 3 * i)) out[4 * i + 3] = 0;
      }
      return;
    default:
      if (channels == 3) break;
      for (std::size_t i = 0; i < n; ++i) std::memcpy(out + 3 * i, colors + 4 * i, 3);
      return;
  }
  std::memcpy(out, colors, channels * n);
}

}  // namespace fastbatch
