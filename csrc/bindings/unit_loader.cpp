// SPDX-License-Identifier: MIT
// Several bindings in one compilation: most of the time of each is pybind11's headers. Names in their anonymous
// namespaces must differ.
#include "bindings/errors.cpp"     // NOLINT(bugprone-suspicious-include)
#include "bindings/loader.cpp"     // NOLINT(bugprone-suspicious-include)
#include "bindings/module.cpp"     // NOLINT(bugprone-suspicious-include)
#include "bindings/plan.cpp"       // NOLINT(bugprone-suspicious-include)
#include "bindings/sequences.cpp"  // NOLINT(bugprone-suspicious-include)
#include "bindings/stores.cpp"     // NOLINT(bugprone-suspicious-include)
