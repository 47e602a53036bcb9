// SPDX-License-Identifier: MIT
// Copies the elements of an array into dense memory: the way in which Python reads a mapped array without risking a
// SIGBUS. Threads: any.
#pragma once

#include <cstddef>

#include "source/array_view.h"

namespace fastbatch {

// Writes all elements of `view`, the last dimension running fastest, unchanged (byte order included), to `dst`, which
// has room for n_elements() * itemsize bytes. Throws FormatError or FileError when a mapped file lost them.
void copy_elements(const ArrayView& view, std::byte* dst);

}  // namespace fastbatch
