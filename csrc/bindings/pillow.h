// SPDX-License-Identifier: MIT
// The external reader: images that only Pillow can read, for the core's threads.
#pragma once

#include <pybind11/pybind11.h>

#include "codecs/file_reader.h"

namespace fastbatch::bindings {

// Readers over src/fastbatch/native/pillow.py. They take the GIL for each image, so the thread that waits for
// them must not hold it.
MakeImageReader make_pillow_reader();

}  // namespace fastbatch::bindings
