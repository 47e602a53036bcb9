// SPDX-License-Identifier: MIT
// Pieces of arrays, joined arrays, and their statistics. GIL held throughout.
#pragma once

#include <pybind11/pybind11.h>

namespace fastbatch::bindings {

void register_sequences(pybind11::module_& module);  // after register_decode()

}  // namespace fastbatch::bindings
