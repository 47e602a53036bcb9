// SPDX-License-Identifier: MIT
// A resize that consumes the source row by row, so that a decoded image is never written to memory and read back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/resize.h"

namespace fastbatch {

// The resize of one image, whose rows are pushed as a decoder delivers them.
// Threads: one thread at a time. dst and scratch are the caller's, and must outlive it.
class ResizeStream {
 public:
  ResizeStream(const Resizer& resizer, std::uint8_t* dst, std::ptrdiff_t dst_stride, std::vector<std::byte>& scratch);
  // `given`: the part of the source that is pushed, instead of ResizeSpec::given; must cover resizer.needed().
  ResizeStream(const Resizer& resizer, std::uint8_t* dst, std::ptrdiff_t dst_stride, std::vector<std::byte>& scratch,
               const Window& given);

  // Processes the next n rows of `given`, which need not stay valid. Fastest with 4, 8, 16, ... rows at once.
  // Returns the number of complete output rows: all of them after the rows of needed().
  std::size_t push(const std::uint8_t* src, std::ptrdiff_t stride, std::size_t n);

 private:
  void copy_rows(std::size_t end);
  void pick_rows(std::size_t end);
  void horizontal_first(std::size_t end);
  void vertical_first(std::size_t end);
  void vertical(std::size_t direct, std::uint8_t* dst);
  [[nodiscard]] bool ready(std::size_t end) const noexcept;
  [[nodiscard]] const std::uint8_t* source(std::size_t row) const noexcept;
  [[nodiscard]] std::uint8_t* target(std::size_t row) const noexcept;
  [[nodiscard]] std::uint8_t* ring(std::size_t row) const noexcept;

  const Resizer& resizer_;
  Window given_;
  std::uint8_t* dst_;
  std::ptrdiff_t dst_stride_;
  std::size_t next_ = 0;  // rows pushed so far
  std::size_t done_ = 0;  // output rows complete
  bool direct_ = false;   // the vertical pass reads the source: it is the first or only pass

  // During push(): the address of row pushed_at_.
  const std::uint8_t* pushed_ = nullptr;
  std::ptrdiff_t pushed_stride_ = 0;
  std::size_t pushed_at_ = 0;

  // Parts of scratch.
  const std::uint8_t** pointers_ = nullptr;  // the rows of one vertical sum
  std::uint8_t* ring_ = nullptr;             // row r at r % ring_rows_
  std::size_t ring_rows_ = 0;
  std::size_t ring_bytes_ = 0;       // bytes per row
  std::uint8_t* between_ = nullptr;  // results of the vertical pass for the horizontal pass
  std::size_t between_bytes_ = 0;    // bytes per row
};

}  // namespace fastbatch
