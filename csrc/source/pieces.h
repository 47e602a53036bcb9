// SPDX-License-Identifier: MIT
// Which row each sample begins at when samples are cut from many stretches of one array: the series of a file, the
// documents among its tokens. No sample crosses from one piece into the next.
// Threads: immutable, any. Shared by the columns that are cut alike.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fastbatch {

class Pieces {
 public:
  // Piece p has counts[p] samples, at rows starts[p], starts[p] + stride, ... Throws std::invalid_argument when the two
  // are not equally many, or when rows or samples do not fit 63 bits.
  Pieces(std::span<const std::uint64_t> starts, std::span<const std::uint64_t> counts, std::uint64_t stride);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }          // samples
  [[nodiscard]] std::uint64_t last_row() const noexcept { return last_row_; }  // the greatest that a sample begins at
  // rows[j] = first row of sample samples[j], all below size(). O(log pieces) each.
  void rows(std::span<const std::uint64_t> samples, std::span<std::uint64_t> rows) const noexcept;

 private:
  std::vector<std::uint64_t> first_;   // sample of each piece; pieces without samples are left out
  std::vector<std::uint64_t> starts_;  // row of that sample
  std::uint64_t stride_;
  std::uint64_t size_ = 0;
  std::uint64_t last_row_ = 0;
};

}  // namespace fastbatch
