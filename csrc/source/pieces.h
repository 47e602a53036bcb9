// SPDX-License-Identifier: MIT
// The first row of each sample, if samples are slices of many pieces of one array: the series of a file, the documents
// of its tokens. No sample crosses from one piece to the next.
// Threads: immutable, any. Shared by columns with the same pieces.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fastbatch {

class Pieces {
 public:
  // Piece p has counts[p] samples, at rows starts[p], starts[p] + stride, ... Throws std::invalid_argument if the
  // lengths differ, or if rows or samples exceed 63 bits.
  Pieces(std::span<const std::uint64_t> starts, std::span<const std::uint64_t> counts, std::uint64_t stride);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }          // samples
  [[nodiscard]] std::uint64_t last_row() const noexcept { return last_row_; }  // the greatest first row of a sample
  // rows[j] = first row of samples[j], which must be below size(). O(log pieces) each.
  void rows(std::span<const std::uint64_t> samples, std::span<std::uint64_t> rows) const noexcept;

 private:
  std::vector<std::uint64_t> first_;   // first sample of each piece, without empty pieces
  std::vector<std::uint64_t> starts_;  // row of each first sample
  std::uint64_t stride_;
  std::uint64_t size_ = 0;
  std::uint64_t last_row_ = 0;
};

}  // namespace fastbatch
