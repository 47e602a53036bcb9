// SPDX-License-Identifier: MIT
// The resize passes in plain C++, the reference for all other targets. Threads: any; nothing here allocates.
#pragma once

#include <algorithm>

#include "kernels/resize.h"

namespace fastbatch::kernels {

// The split of a weight for kPairs: a 16-bit word holds kPairBits bits without a sign.
constexpr int kPairBits = 15;
constexpr std::int32_t kPairMask = (1 << kPairBits) - 1;

constexpr int kQuadBits = 8;  // bits of a digit of kQuads

void resize_rows_scalar(const Taps& taps, std::size_t channels, const std::uint8_t* const* src,
                        std::uint8_t* const* dst, std::size_t n_rows);

// Only bytes [first, end) of the row.
void resize_columns_scalar(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                           std::size_t first, std::size_t end);

}  // namespace fastbatch::kernels
