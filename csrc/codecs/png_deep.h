// SPDX-License-Identifier: MIT
// The samples of a PNG of 16 bits -> 16-bit pixels, which Pillow does not have in colour. Conversions are those of 8
// bits: gray is copied to all colours, colours become Pillow's luma, and one colour may be transparent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/png_chunks.h"
#include "codecs/reader.h"

namespace fastbatch {

// Threads: one at a time.
class PngDeepPixels {
 public:
  // Modes: kGray, kRgb, kRgba, kStored. Throws DecodeError for another mode, or a PNG of fewer bits.
  PngDeepPixels(const PngChunks& png, ColorMode mode);
  [[nodiscard]] std::size_t channels() const noexcept { return channels_; }  // of the pixels that convert() writes
  // Pixels [x, x + n) of a row, each channel a uint16 of this machine's byte order.
  void convert(const std::uint8_t* packed, std::size_t x, std::size_t n, std::uint8_t* out);

 private:
  void convert_one(const std::uint16_t* stored, std::uint16_t* pixel) const;

  std::size_t stored_;    // channels of the file
  std::size_t channels_;  // of the pixels
  bool has_hidden_;
  std::array<std::uint16_t, 3> hidden_;  // the transparent colour
  std::vector<std::uint16_t> samples_;
  std::vector<std::uint16_t> pixels_;
};

}  // namespace fastbatch
