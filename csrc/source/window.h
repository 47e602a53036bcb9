// SPDX-License-Identifier: MIT
// Parts of an array as arrays, without copies: mapping, guard and readahead are shared.
// Threads: any.
#pragma once

#include <cstdint>

#include "source/array_view.h"

namespace fastbatch {

// The windows that begin at each row: element i is rows i, i + step, ..., i + (length - 1) * step. Adds a dimension
// after the first; neighbours overlap. Throws std::invalid_argument if no window fits.
ArrayView windows(const ArrayView& array, std::uint64_t length, std::uint64_t step);

// The `n` (at least 1) rows start, start + stride, ... Throws std::invalid_argument if they exceed the array.
ArrayView every(const ArrayView& array, std::uint64_t start, std::uint64_t n, std::uint64_t stride);

}  // namespace fastbatch
