// SPDX-License-Identifier: MIT
// fastbatch._core: the table of contents. Internal: src/fastbatch wraps it.
// Threads: no function relies on the GIL. Objects are immutable, or say what guards them; the core has its own locks.
#include "bindings/register.h"
#include "bindings/sequences.h"

namespace py = pybind11;

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
  module.doc() = "The compiled core of fastbatch.";
  fastbatch::bindings::register_errors(module);
  fastbatch::bindings::register_kernels(module);
  fastbatch::bindings::register_source(module);
  fastbatch::bindings::register_plan(module);
  fastbatch::bindings::register_augment(module);
  fastbatch::bindings::register_decode(module);
  fastbatch::bindings::register_chunks(module);
  fastbatch::bindings::register_drawn(module);
  fastbatch::bindings::register_image(module);
  fastbatch::bindings::register_change(module);
  fastbatch::bindings::register_sequences(module);
  fastbatch::bindings::register_loader(module);
  fastbatch::bindings::register_stores(module);
  fastbatch::bindings::register_text(module);
}
