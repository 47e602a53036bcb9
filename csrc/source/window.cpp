// SPDX-License-Identifier: MIT
#include "source/window.h"

#include <stdexcept>
#include <string>

namespace fastbatch {
namespace {

// True if rows 0, step, ..., (n - 1) * step are below `n_rows`. Does not overflow.
bool fits(std::uint64_t n, std::uint64_t step, std::uint64_t n_rows) noexcept {
  if (n == 0 || n_rows == 0) return false;
  return n == 1 || (step >= 1 && (n - 1) <= (n_rows - 1) / step);
}

// The stride in bytes for `step` rows. For a single row the stride is unused, and the product might overflow.
std::ptrdiff_t stride_of(std::uint64_t n, std::uint64_t step, std::ptrdiff_t row_stride) noexcept {
  return n == 1 ? row_stride : static_cast<std::ptrdiff_t>(step) * row_stride;
}

std::uint64_t n_rows(const ArrayView& array) {
  if (array.shape.empty()) throw std::invalid_argument("expected at least one dimension, found an array without any");
  return array.shape[0];
}

}  // namespace

ArrayView windows(const ArrayView& array, std::uint64_t length, std::uint64_t step) {
  const std::uint64_t rows = n_rows(array);
  if (!fits(length, step, rows)) {
    throw std::invalid_argument("expected windows of at least 1 and at most " + std::to_string(rows) + " rows, found " +
                                std::to_string(length) + " with step " + std::to_string(step));
  }
  ArrayView view = array;
  view.shape[0] = length == 1 ? rows : rows - (length - 1) * step;
  view.shape.insert(view.shape.begin() + 1, length);
  view.strides.insert(view.strides.begin() + 1, stride_of(length, step, array.strides[0]));
  // Overlapping elements are counted once per window.
  if (!array_bytes(view.shape, view.itemsize)) throw std::invalid_argument("windows: more than 2^63 - 1 bytes in all");
  return view;
}

ArrayView every(const ArrayView& array, std::uint64_t start, std::uint64_t n, std::uint64_t stride) {
  const std::uint64_t rows = n_rows(array);
  if (start >= rows || !fits(n, stride, rows - start)) {
    throw std::invalid_argument("expected rows below " + std::to_string(rows) + ", found " + std::to_string(n) +
                                " from " + std::to_string(start) + " with stride " + std::to_string(stride));
  }
  ArrayView view = array;
  view.data += static_cast<std::ptrdiff_t>(start) * array.strides[0];
  view.shape[0] = n;
  view.strides[0] = stride_of(n, stride, array.strides[0]);
  return view;
}

}  // namespace fastbatch
