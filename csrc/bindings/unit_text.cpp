// SPDX-License-Identifier: MIT
// Several bindings in one compilation: most of the time of each is pybind11's headers. Names in their anonymous
// namespaces must differ.
#include "bindings/chunks.cpp"      // NOLINT(bugprone-suspicious-include)
#include "bindings/source.cpp"      // NOLINT(bugprone-suspicious-include)
#include "bindings/text.cpp"        // NOLINT(bugprone-suspicious-include)
#include "bindings/text_batch.cpp"  // NOLINT(bugprone-suspicious-include)
