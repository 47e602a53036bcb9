// SPDX-License-Identifier: MIT
// What the fuzzers of array files demand.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "source/array_view.h"
#include "source_files.h"

namespace fastbatch::testing {

// Reads every byte that `view` promises; a sanitizer sees those in memory, this function those in a mapping.
inline void check_view(const ArrayView& view) {
  const auto n_bytes = array_bytes(view.shape, view.itemsize);
  if (!n_bytes || view.strides.size() != view.shape.size() || view.itemsize == 0) std::abort();
  if (view.file && (view.file_offset() > view.file->size() || *n_bytes > view.file->size() - view.file_offset() ||
                    view.file_end() != (*n_bytes == 0 ? 0 : view.file_offset() + *n_bytes))) {
    std::abort();
  }
  unsigned sum = 0;
  for (std::uint64_t i = 0; i < *n_bytes; ++i) sum += std::to_integer<unsigned>(view.data[i]);
  [[maybe_unused]] const volatile unsigned seen = sum;
}

template <typename Open>
void expect_format_error_only(Open&& open) {
  try {
    open();
  } catch (const FormatError& error) {
    if (error.message().empty()) std::abort();
  }
}

}  // namespace fastbatch::testing
