// SPDX-License-Identifier: MIT
// The inverse DCT of JPEG blocks, dequantisation included: the pixels of libjpeg-turbo's JDCT_ISLOW, and of its reduced
// sizes. Both are defined in integers; within the range below, its SIMD code, its C code and this give the same bytes.
// Threads: any; nothing here allocates. Every target gives the same bytes as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

inline constexpr std::size_t kDctSide = 8;
inline constexpr std::size_t kDctBlock = kDctSide * kDctSide;  // coefficients

// Larger steps of quantisation would overflow the sums that check the range.
inline constexpr std::uint16_t kLargestQuantizer = 4095;

// Transforms a row of n blocks: block b becomes `size` by `size` bytes at dst + b * size, rows `stride` bytes apart.
// `size`: 8, 4, 2 or 1. Which coefficients it uses, as libjpeg: for 4, all but those of row 4 and column 4; for 2, rows
// and columns 0, 1, 3, 5 and 7; for 1, the first.
// `coefficients`: kDctBlock for each block, row by row, not dequantised. `quantizers`: kDctBlock values in the same
// order, at most kLargestQuantizer. last[b]: the zigzag index of the last coefficient of block b that is not 0, or
// more.
//
// Returns false if a block is out of range: implementations of libjpeg differ there, and dst is undefined. In range are
// blocks in which, as libjpeg computes them, each dequantised coefficient, each sum of two inputs of a butterfly and
// each result of the first pass has at most 16 bits, and each pixel lies in [-512, 511] before 128 is added and it is
// clipped to a byte. That holds for every block whose absolute dequantised coefficients sum up to at most
// kSurelyInRange, and for all but deliberate or damaged files.
[[nodiscard]] bool inverse_dct(unsigned size, const std::int16_t* coefficients, const std::uint8_t* last, std::size_t n,
                               const std::int16_t* quantizers, std::uint8_t* dst, std::ptrdiff_t stride);

// A coefficient contributes at most 0.2405 of its value to a pixel.
inline constexpr std::int32_t kSurelyInRange = 2100;

// The same in plain C++.
[[nodiscard]] bool inverse_dct_blocks(unsigned size, const std::int16_t* coefficients, std::size_t n,
                                      const std::int16_t* quantizers, std::uint8_t* dst, std::ptrdiff_t stride);

}  // namespace fastbatch::kernels
