// SPDX-License-Identifier: MIT
// The external reader, which the core's threads use for images that only Pillow can read.
#pragma once

#include <pybind11/pybind11.h>

#include "codecs/file_reader.h"

namespace fastbatch::bindings {

// Readers over src/fastbatch/native/pillow.py. They acquire the GIL for each image, so a thread that waits for them
// must not hold it.
MakeImageReader make_pillow_reader();

}  // namespace fastbatch::bindings
