// SPDX-License-Identifier: MIT
// The resize passes in plain C++, which every other target must equal. Threads: any; nothing here allocates.
#pragma once

#include <algorithm>

#include "kernels/resize.h"

namespace fastbatch::kernels {

// How kPairs splits a weight: a 16-bit word holds kPairBits bits and no sign.
constexpr int kPairBits = 15;
constexpr std::int32_t kPairMask = (1 << kPairBits) - 1;

constexpr int kQuadBits = 8;  // of a digit of kQuads

void resize_rows_scalar(const Taps& taps, std::size_t channels, const std::uint8_t* const* src,
                        std::uint8_t* const* dst, std::size_t n_rows);

// Bytes [first, end) of the row only.
void resize_columns_scalar(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                           std::size_t first, std::size_t end);

}  // namespace fastbatch::kernels
