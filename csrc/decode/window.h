// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace fastbatch {

// Whole pixels of an image.
struct Window {
  std::size_t x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Window&) const = default;
};

}  // namespace fastbatch
