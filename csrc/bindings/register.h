// SPDX-License-Identifier: MIT
// One function per folder or family; module.cpp calls them all. GIL held throughout.
#pragma once

#include <pybind11/pybind11.h>

namespace fastbatch::bindings {

void register_errors(pybind11::module_& module);
void register_kernels(pybind11::module_& module);
void register_source(pybind11::module_& module);
void register_plan(pybind11::module_& module);
void register_chunks(pybind11::module_& module);
void register_decode(pybind11::module_& module);
void register_drawn(pybind11::module_& module);
void register_image(pybind11::module_& module);
void register_augment(pybind11::module_& module);
void register_change(pybind11::module_& module);
void register_loader(pybind11::module_& module);
void register_stores(pybind11::module_& module);
void register_text(pybind11::module_& module);

}  // namespace fastbatch::bindings
