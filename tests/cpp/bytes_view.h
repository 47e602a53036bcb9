// SPDX-License-Identifier: MIT
// Arrays of bytes over a mapped file, and what copy_elements() makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/copy_elements.h"
#include "source/mapped_file.h"

namespace fastbatch::testing {

inline ArrayView bytes_view(std::shared_ptr<const MappedFile> file, std::vector<std::uint64_t> shape,
                            bool fortran_order) {
  ElementType element = parse_descr("|u1", Where{});
  ArrayView view = dense_view(element, std::move(shape), fortran_order);
  view.data = file->bytes().data();
  view.file = std::move(file);
  return view;
}

inline std::string copied(const ArrayView& view) {
  std::string bytes(view.n_elements() * view.itemsize, '?');
  copy_elements(view, reinterpret_cast<std::byte*>(bytes.data()));
  return bytes;
}

}  // namespace fastbatch::testing
