// SPDX-License-Identifier: MIT
// Reverses PNG's row filters: each byte was stored as its difference from a prediction from the bytes one pixel to the
// left, above, and above on the left.
// Threads: any; nothing here allocates. Every target gives the same bytes as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

inline constexpr unsigned kPngFilters = 5;  // none, left, above, average, Paeth

// Restores n bytes of `row` in place. `above`: the n bytes of the restored previous row; zeros for the first row.
// `step`: bytes per pixel, 1 to 8; n is a multiple of it. `filter`: below kPngFilters.
void unfilter(unsigned filter, std::size_t step, const std::uint8_t* above, std::uint8_t* row, std::size_t n);

}  // namespace fastbatch::kernels
