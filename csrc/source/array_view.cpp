// SPDX-License-Identifier: MIT
#include "source/array_view.h"

#include <algorithm>
#include <utility>

namespace fastbatch {

std::uint64_t ArrayView::n_elements() const noexcept {
  std::uint64_t n = 1;
  // With a dimension of 0 the product of the others is irrelevant, and might overflow.
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return 0;
  for (const std::uint64_t length : shape) n *= length;
  return n;
}

std::uint64_t ArrayView::file_offset() const noexcept {
  if (!file || data == nullptr || file->bytes().empty()) return 0;
  return static_cast<std::uint64_t>(data - file->bytes().data());
}

std::uint64_t ArrayView::file_end() const noexcept {
  if (!file || n_elements() == 0) return 0;
  std::uint64_t end = file_offset() + itemsize;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (strides[i] > 0) end += (shape[i] - 1) * static_cast<std::uint64_t>(strides[i]);
  }
  return end;
}

std::optional<std::uint64_t> array_bytes(const std::vector<std::uint64_t>& shape, std::uint64_t itemsize) noexcept {
  constexpr auto kMost = static_cast<std::uint64_t>(PTRDIFF_MAX);
  bool is_empty = false;
  std::uint64_t n_bytes = itemsize;
  if (n_bytes > kMost) return std::nullopt;
  for (const std::uint64_t length : shape) {
    if (length == 0) {
      is_empty = true;
    } else if (n_bytes > kMost / length) {
      return std::nullopt;
    } else {
      n_bytes *= length;
    }
  }
  return is_empty ? 0 : n_bytes;
}

ArrayView dense_view(const ElementType& element, std::vector<std::uint64_t> shape, bool fortran_order) {
  ArrayView view;
  view.dtype = element.dtype;
  view.itemsize = element.itemsize;
  view.swap_bytes = element.swap_bytes;
  view.swap_unit = element.swap_unit;
  view.descr = element.descr;
  view.shape = std::move(shape);
  view.strides.resize(view.shape.size());
  auto stride = static_cast<std::ptrdiff_t>(element.itemsize);
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    const std::size_t dimension = fortran_order ? i : view.shape.size() - 1 - i;
    view.strides[dimension] = stride;
    stride *= static_cast<std::ptrdiff_t>(std::max<std::uint64_t>(view.shape[dimension], 1));
  }
  return view;
}

}  // namespace fastbatch
