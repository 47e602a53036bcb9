// SPDX-License-Identifier: MIT
// Any conversion of 8-bit pixels, element by element, as a table: the element of the slot for each value of each
// channel. Whoever fills the table defines the arithmetic, so that it is equal to another library's to the last bit.
// Threads: immutable, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codecs/image.h"

namespace fastbatch {

class PixelTable {
 public:
  // `elements`: for each channel 256 elements of `itemsize` bytes (1, 2, 4 or 8). Throws std::invalid_argument.
  PixelTable(std::size_t channels, std::size_t itemsize, std::span<const std::byte> elements);

  [[nodiscard]] std::size_t channels() const noexcept { return channels_; }
  [[nodiscard]] std::size_t itemsize() const noexcept { return itemsize_; }

  // Interleaved pixels -> n elements per channel: in planes, one channel after the other, or interleaved.
  void apply(const std::uint8_t* pixels, std::size_t n_pixels, bool planes, std::byte* out) const;

 private:
  std::size_t channels_;
  std::size_t itemsize_;
  std::vector<std::uint64_t> memory_;  // aligned for every element
};

// Fills a rectangle of a slot of `size` with one element per channel, from `elements`.
void fill_rectangle(const Window& window, ImageSize size, std::size_t channels, std::size_t itemsize, bool planes,
                    const std::byte* elements, std::byte* out);

}  // namespace fastbatch
