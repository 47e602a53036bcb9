// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include "bindings/register.h"
#include "kernels/kernels.h"
#include "platform/machine.h"

namespace fastbatch::bindings {

void register_kernels(pybind11::module_& module) {
  module.def("supported_targets", &kernels::supported_targets);
  module.def("active_target", &kernels::active_target);
  module.def("narrow_targets", &kernels::narrow_targets);
  module.def("available_cpus", &available_cpus);
}

}  // namespace fastbatch::bindings
