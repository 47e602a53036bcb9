// SPDX-License-Identifier: MIT
// Blocks of coefficients on their way from the entropy decoder to the inverse DCT. Threads: values; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/jpeg/headers.h"

namespace fastbatch::jpeg {

// The MCUs [left, right) of the rows [top, bottom).
struct McuRegion {
  std::uint32_t left = 0, right = 0, top = 0, bottom = 0;
};

// The blocks of one component in one row of MCUs, within a region: Component::v rows of blocks.
struct BlockRows {
  const std::int16_t* coefficients = nullptr;  // 64 a block, natural order, not dequantised; 64-byte aligned
  const std::uint8_t* last = nullptr;          // one a block: zigzag index of the last non-zero coefficient, at least
  std::size_t stride = 0;                      // blocks from one row to the next
};

using ComponentFlags = std::array<bool, kMostComponents>;

}  // namespace fastbatch::jpeg
