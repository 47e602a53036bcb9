// SPDX-License-Identifier: MIT
// Packed samples of a PNG -> pixels of a colour mode, as by Pillow's open() and convert(): 16-bit colours lose their
// lower 8 bits, 16-bit gray is clipped to 255 when converted to 8 bits, and one colour may be transparent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "codecs/png_chunks.h"
#include "codecs/reader.h"

namespace fastbatch {

[[nodiscard]] unsigned png_bits_of_pixel(const PngChunks& png) noexcept;    // 1 to 64
[[nodiscard]] std::string_view png_mode_of(const PngChunks& png) noexcept;  // Pillow's name

// Threads: one at a time.
class PngPixels {
 public:
  PngPixels(const PngChunks& png, ColorMode mode);  // throws DecodeError if the image cannot be converted to this mode
  // Pixels [x, x + n) of a row.
  void convert(const std::uint8_t* packed, std::size_t x, std::size_t n, std::uint8_t* out);

 private:
  enum class Samples : std::uint8_t { kGray, kGray16, kIndex, kGrayAlpha, kRgb, kRgba };
  const std::uint8_t* unpack(const std::uint8_t* packed, std::size_t x, std::size_t n);
  void convert_gray(const std::uint8_t* gray, std::size_t n, std::uint8_t* out);
  void convert_gray_alpha(const std::uint8_t* pairs, std::size_t n, std::uint8_t* out) const;
  void convert_index(const std::uint8_t* indices, std::size_t n, std::uint8_t* out) const;
  void convert_color(const std::uint8_t* colors, std::size_t channels, std::size_t n, std::uint8_t* out);

  Samples samples_ = Samples::kGray;
  ColorMode mode_;
  unsigned depth_;
  unsigned bits_;  // bits per pixel
  bool has_hidden_ = false;
  std::array<std::uint8_t, 3> hidden_{};  // the transparent colour
  std::array<std::array<std::uint8_t, 4>, 256> palette_{};
  std::vector<std::uint8_t> unpacked_;
  std::vector<std::uint8_t> gray_;
};

}  // namespace fastbatch
