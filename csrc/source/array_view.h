// SPDX-License-Identifier: MIT
// The result of every array source: the address and layout of an array's elements, and their owner.
// Threads: plain data; the bytes are read-only, and shared by all views of the same owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/descr.h"
#include "source/mapped_file.h"

namespace fastbatch {

struct ArrayView {
  const std::byte* data = nullptr;  // of element [0, ..., 0]; any alignment
  DType dtype = DType::kOpaque;
  std::size_t itemsize = 0;                // bytes
  bool swap_bytes = false;                 // see ElementType
  std::size_t swap_unit = 1;               // see ElementType
  std::string descr;                       // numpy.dtype.str
  std::vector<std::uint64_t> shape;        // empty for a 0-d array
  std::vector<std::ptrdiff_t> strides;     // in bytes, one per dimension
  std::shared_ptr<const MappedFile> file;  // owner of mapped `data`
  std::shared_ptr<const void> owner;       // owner of `data` in memory
  std::string path;                        // "" for an array in memory

  [[nodiscard]] std::uint64_t n_elements() const noexcept;
  // Offset of the end of the array in its file; 0 if not mapped or empty. For any strides, including negative ones.
  [[nodiscard]] std::uint64_t file_end() const noexcept;
  // Offset of `data` in its file; 0 if not mapped.
  [[nodiscard]] std::uint64_t file_offset() const noexcept;
};

// Elements of `shape` times `itemsize`; empty if this, or the product without dimensions of 0, exceeds 2^63 - 1.
std::optional<std::uint64_t> array_bytes(const std::vector<std::uint64_t>& shape, std::uint64_t itemsize) noexcept;

// A dense array of `shape`, for which array_bytes() has a value. The last dimension is contiguous, or the first with
// `fortran_order`. The caller sets data, owner and path.
ArrayView dense_view(const ElementType& element, std::vector<std::uint64_t> shape, bool fortran_order = false);

}  // namespace fastbatch
