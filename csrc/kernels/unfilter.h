// SPDX-License-Identifier: MIT
// The filters of PNG undone: each byte of a row was stored as its difference from a guess, made from the byte one pixel
// to the left, the one above, and the one above that.
// Threads: any; nothing here allocates. Every target gives the same bytes as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

inline constexpr unsigned kPngFilters = 5;  // none, left, above, average, Paeth

// Restores n bytes of `row` in place. `above` is the row before, restored, n bytes; zeros for the first row.
// `step` is the bytes of a pixel, 1 to 8; n is a multiple of it. `filter` is below kPngFilters.
void unfilter(unsigned filter, std::size_t step, const std::uint8_t* above, std::uint8_t* row, std::size_t n);

}  // namespace fastbatch::kernels
