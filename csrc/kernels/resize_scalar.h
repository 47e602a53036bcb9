// SPDX-License-Identifier: MIT
// The resize passes in plain C++: what every other target must equal.
#pragma once

#include <algorithm>

#include "kernels/resize.h"

namespace fastbatch::kernels {

void resize_rows_scalar(const Taps& taps, std::size_t channels, const std::uint8_t* const* src,
                        std::uint8_t* const* dst, std::size_t n_rows);

// Bytes [first, end) of the row only.
void resize_columns_scalar(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                           std::size_t first, std::size_t end);

}  // namespace fastbatch::kernels
