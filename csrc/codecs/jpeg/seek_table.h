// SPDX-License-Identifier: MIT
// Points in the entropy-coded data of a JPEG at which decoding may begin. Threads: values; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codecs/jpeg/headers.h"

namespace fastbatch::jpeg {

// The MCUs before which there is a point: in each row the first one and every step_-th, and the end of the image.
class SeekGrid {
 public:
  SeekGrid() = default;
  explicit SeekGrid(const Frame& frame) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return std::size_t{rows_} * per_row_ + 1; }
  // Indices of points: the last one at or before an MCU, the first one at or after it. MCUs are counted in the order
  // of the scan; that of the end is the number of all.
  [[nodiscard]] std::size_t before(std::uint64_t mcu) const noexcept {
    return static_cast<std::size_t>(mcu / width_ * per_row_ + mcu % width_ / step_);
  }
  [[nodiscard]] std::size_t after(std::uint64_t mcu) const noexcept {
    const std::size_t point = before(mcu);
    return point + (mcu_of(point) == mcu ? 0 : 1);
  }
  [[nodiscard]] std::size_t next_row(std::uint64_t mcu) const noexcept {  // its first point
    return static_cast<std::size_t>((mcu / width_ + 1) * per_row_);
  }
  [[nodiscard]] std::uint64_t mcu_of(std::size_t point) const noexcept {
    return std::uint64_t{point / per_row_} * width_ + point % per_row_ * std::uint64_t{step_};
  }
  [[nodiscard]] bool is_row(std::uint64_t begin, std::uint64_t end) const noexcept {
    return begin % width_ == 0 && end - begin == width_;
  }

 private:
  std::uint32_t width_ = 1, rows_ = 0;  // of the scan, in MCUs
  std::uint32_t step_ = 1, per_row_ = 1;
};

struct SeekPoint {
  std::uint64_t bit = 0;  // of the file, the highest of its first byte being 0
  std::array<int, kMostComponents> dc{};
};

// The first points of a grid.
class SeekTable {
 public:
  explicit SeekTable(unsigned n_components = 0) noexcept : stride_(kWordsOfBit + n_components) {}

  [[nodiscard]] std::size_t size() const noexcept { return words_.size() / stride_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return words_.capacity() * sizeof(std::uint16_t); }
  [[nodiscard]] SeekPoint operator[](std::size_t i) const noexcept;
  // Call it with the size of the grid: a table that becomes longer then needs no more memory.
  void reserve(std::size_t n_points) { words_.reserve(n_points * stride_); }
  // Cuts the bit to 32 bits, of files of less than kMostFileBytes, and coefficients to 16: decoders give up on others.
  void add(const SeekPoint& point);

  static constexpr std::size_t kMostFileBytes = std::size_t{1} << 29U;

 private:
  static constexpr std::size_t kWordsOfBit = 2;
  std::size_t stride_;
  std::vector<std::uint16_t> words_;
};

// Bytes of entropy-coded data in file[begin, end), without the stuffed zeros; 0 if there is no such range.
[[nodiscard]] std::size_t count_data(std::span<const std::uint8_t> file, std::size_t begin, std::size_t end) noexcept;

// Turns bits that count from a file offset, without the stuffed zeros, into bits of the file. The points are in order,
// and no marker is before the last.
void find_in_file(std::span<const std::uint8_t> file, std::size_t origin, std::span<SeekPoint> points) noexcept;

}  // namespace fastbatch::jpeg
