// SPDX-License-Identifier: MIT
// The external reader, which the core's threads use for images that only Pillow can read.
#pragma once

#include <pybind11/pybind11.h>

#include "codecs/file_reader.h"

namespace fastbatch::bindings {

// Readers over src/fastbatch/native/pillow.py. They acquire the GIL for each image, so a thread that waits for them
// must not hold it.
// `is_deep`: all bits of TIFF files are read, by tifffile. `is_stored`: with the file's own channels. `is_mask`: with
// is_deep, integers of 32 bits as they are.
MakeImageReader make_pillow_reader(bool is_deep = false, bool is_stored = false, bool is_mask = false);

}  // namespace fastbatch::bindings
