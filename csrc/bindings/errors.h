// SPDX-License-Identifier: MIT
// An error of the core as a value, for errors that are reported and not raised. GIL held throughout.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>

namespace fastbatch::bindings {

// (name of the class in errors.py, or "OSError"; path or None; message; byte in the file or None, or errno) of an
// Error. Runs no Python code.
pybind11::tuple describe(const std::exception_ptr& pointer);

}  // namespace fastbatch::bindings
