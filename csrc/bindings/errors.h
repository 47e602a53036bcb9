// SPDX-License-Identifier: MIT
// Errors of the core as tuples, for errors that are reported instead of raised. GIL held throughout.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>

namespace fastbatch::bindings {

// An Error as a tuple: (class name in errors.py or "OSError", path or None, message, byte offset or None, or errno).
// Runs no Python code.
pybind11::tuple describe(const std::exception_ptr& pointer);

}  // namespace fastbatch::bindings
