// SPDX-License-Identifier: MIT
// Several bindings in one compilation: most of the time of each is pybind11's headers. Names in their anonymous
// namespaces must differ.
#include "bindings/augment.cpp"  // NOLINT(bugprone-suspicious-include)
#include "bindings/change.cpp"   // NOLINT(bugprone-suspicious-include)
#include "bindings/decode.cpp"   // NOLINT(bugprone-suspicious-include)
#include "bindings/drawn.cpp"    // NOLINT(bugprone-suspicious-include)
#include "bindings/image.cpp"    // NOLINT(bugprone-suspicious-include)
#include "bindings/kernels.cpp"  // NOLINT(bugprone-suspicious-include)
#include "bindings/pillow.cpp"   // NOLINT(bugprone-suspicious-include)
