// SPDX-License-Identifier: MIT
// Converts a batch of words or lines to Python objects. GIL held throughout.
#pragma once

#include <pybind11/numpy.h>

#include "text/run.h"

namespace fastbatch::bindings {

enum class TextOutput : std::uint8_t { kStrings, kOffsets, kIds32, kIds64 };

// kStrings: a capsule for src/fastbatch/_words.pyx. kOffsets: (bytes, int64 array a) of a run that packs its blocks;
// item j is bytes[a[j]:a[j + 1]]. Otherwise: an array of the items' ids.
pybind11::object to_python(TextBatch batch, TextOutput output);

}  // namespace fastbatch::bindings
