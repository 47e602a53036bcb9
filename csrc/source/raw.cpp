// SPDX-License-Identifier: MIT
#include "source/raw.h"

#include <limits>
#include <stdexcept>
#include <utility>

namespace fastbatch {
namespace {

FormatError too_large(const std::string& path) {
  return FormatError({path}, "array too large: expected less than 2^63 bytes, found a shape that makes more");
}

// The number of rows from `offset` to the end of the file.
std::uint64_t rows_that_fit(const MappedFile& file, std::uint64_t offset, std::uint64_t row_bytes) {
  const std::uint64_t n_bytes = file.size() - offset;
  if (row_bytes == 0) {
    throw std::invalid_argument("shape: -1 cannot be worked out from rows of 0 bytes");
  }
  if (n_bytes % row_bytes != 0) {
    throw FormatError({file.path(), {}, offset}, "no whole number of rows: expected a multiple of " +
                                                     std::to_string(row_bytes) + " bytes, found " +
                                                     std::to_string(n_bytes));
  }
  return n_bytes / row_bytes;
}

}  // namespace

ArrayView open_raw(const std::string& path, std::string_view descr, const std::vector<std::int64_t>& shape,
                   std::uint64_t offset) {
  return open_raw(std::make_shared<const MappedFile>(path), descr, shape, offset);
}

ArrayView open_raw(std::shared_ptr<const MappedFile> file, std::string_view descr,
                   const std::vector<std::int64_t>& shape, std::uint64_t offset) {
  const std::string& path = file->path();
  const ElementType element = parse_descr(descr, {});
  std::vector<std::uint64_t> lengths;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool is_open = i == 0 && shape[i] == -1;
    if (shape[i] < 0 && !is_open) {
      throw std::invalid_argument("shape: expected lengths of 0 or more (-1 only first), found " +
                                  std::to_string(shape[i]));
    }
    lengths.push_back(is_open ? 1 : static_cast<std::uint64_t>(shape[i]));
  }
  auto n_bytes = array_bytes(lengths, element.itemsize);
  if (!n_bytes) throw too_large(path);
  if (offset > file->size()) {
    throw FormatError({path}, "offset past the end: expected at most " + std::to_string(file->size()) +
                                  " bytes, found offset " + std::to_string(offset));
  }
  if (!shape.empty() && shape[0] == -1) {
    lengths[0] = rows_that_fit(*file, offset, *n_bytes);
    n_bytes = file->size() - offset;
  }
  if (*n_bytes > file->size() - offset) {
    throw FormatError({path, {}, offset}, "array ends early: expected " + std::to_string(*n_bytes) + " bytes, found " +
                                              std::to_string(file->size() - offset));
  }
  ArrayView view = dense_view(element, std::move(lengths));
  view.data = file->bytes().data() + offset;
  view.path = path;  // before the file, which owns it, is moved
  view.file = std::move(file);
  return view;
}

}  // namespace fastbatch
