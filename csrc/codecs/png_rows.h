// SPDX-License-Identifier: MIT
// The compressed pixels of a PNG -> rows of packed samples, unfiltered.
// Complete and valid streams are inflated at once by libdeflate, in half of zlib's time. Streams that libdeflate
// rejects are read again by zlib, row by row and in the same pieces as by Pillow, so that the same damage is tolerated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codecs/image.h"

namespace fastbatch {

// A grid of pixels inside the image: all of them, or one of the seven passes of an interlaced one.
struct PngPass {
  std::uint32_t x = 0, y = 0;    // position of the first pixel
  std::uint32_t dx = 1, dy = 1;  // distance between pixels
  ImageSize size{};              // in pixels of the pass; may be empty

  [[nodiscard]] std::size_t row_bytes(unsigned bits) const noexcept { return (std::size_t{size.width} * bits + 7) / 8; }
};

std::vector<PngPass> png_passes(ImageSize image, bool interlaced);

// Threads: one at a time.
class PngRows {
 public:
  PngRows();
  ~PngRows();
  PngRows(PngRows&&) noexcept;
  PngRows& operator=(PngRows&&) noexcept;

  // `pieces` must stay valid until close(). `bits`: bits per pixel, 1 to 64.
  void open(const std::vector<PngPass>& passes, unsigned bits, const std::vector<std::span<const std::byte>>& pieces);
  // The next row of the current pass, or the first row of the next nonempty pass. Null if the compressed data ends
  // between two rows: Pillow leaves the missing rows black. Valid until the next call. Throws DecodeError.
  const std::uint8_t* next();
  // As next(), but the row is not unfiltered. False in place of null.
  bool pass();
  [[nodiscard]] std::size_t last_piece() const noexcept;  // the last piece that was read
  void close();                                           // frees the memory that grew with the image

 private:
  std::uint8_t* next_filtered();

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fastbatch
