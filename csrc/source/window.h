// SPDX-License-Identifier: MIT
// Parts of an array as arrays: nothing is copied, and the mapping with its guard and its readahead stays the same.
// Threads: any.
#pragma once

#include <cstdint>

#include "source/array_view.h"

namespace fastbatch {

// The windows that begin at each row: element i is rows i, i + step, ..., i + (length - 1) * step. One more dimension,
// after the first; neighbours overlap. Throws std::invalid_argument when not even one window fits.
ArrayView windows(const ArrayView& array, std::uint64_t length, std::uint64_t step);

// Rows start, start + stride, ..., `n` of them (at least 1). Throws std::invalid_argument when they are not all there.
ArrayView every(const ArrayView& array, std::uint64_t start, std::uint64_t n, std::uint64_t stride);

}  // namespace fastbatch
