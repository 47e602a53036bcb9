// SPDX-License-Identifier: MIT
// fastbatch._core: the table of contents. Internal: src/fastbatch wraps it.
#include "bindings/register.h"
#include "bindings/sequences.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled core of fastbatch.";
  fastbatch::bindings::register_errors(module);
  fastbatch::bindings::register_kernels(module);
  fastbatch::bindings::register_source(module);
  fastbatch::bindings::register_plan(module);
  fastbatch::bindings::register_augment(module);
  fastbatch::bindings::register_decode(module);
  fastbatch::bindings::register_drawn(module);
  fastbatch::bindings::register_image(module);
  fastbatch::bindings::register_change(module);
  fastbatch::bindings::register_sequences(module);
  fastbatch::bindings::register_loader(module);
  fastbatch::bindings::register_text(module);
}
