// SPDX-License-Identifier: MIT
// Images that only Pillow can read, for the core's threads.
#pragma once

#include <pybind11/pybind11.h>

#include "codecs/image_file_reader.h"

namespace fastbatch::bindings {

// Readers over src/fastbatch/foreign.py. They take the GIL for each image, so whoever waits for the threads that use
// them must not hold it.
MakeImageReader make_pillow_reader();

}  // namespace fastbatch::bindings
