// SPDX-License-Identifier: MIT
// What cuts samples from many stretches of rows, joins them, and describes them.
#pragma once

#include <pybind11/pybind11.h>

namespace fastbatch::bindings {

void register_sequences(pybind11::module_& module);  // after register_decode()

}  // namespace fastbatch::bindings
