// SPDX-License-Identifier: MIT
// The horizontal pass of the resize of 16-bit numbers: sums of double precision, each product and each sum rounded.
// Threads: any; nothing here allocates. Every target gives the same numbers as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fastbatch::kernels {

inline constexpr std::size_t kWeighedRows = 8;  // that are summed together

// Output i is the sum of weights[i * most + k] * source[start[i] + k] over k < count[i]; all pixels have `channels`.
struct RowTaps {
  std::span<const std::uint32_t> start;
  std::span<const std::uint32_t> count;
  const double* weights = nullptr;
  std::size_t most = 0;
  std::size_t channels = 1;
};

// Rows of `n` elements, of which the first is element `begin` of the source -> rows of outputs, half away from zero,
// saturated. `block`: scratch of 8 * n elements. False, and nothing is done, without vectors.
bool weigh_rows(const RowTaps& taps, std::size_t begin, const std::uint16_t* const rows[kWeighedRows], std::size_t n,
                std::uint16_t* block, std::uint16_t* const outputs[kWeighedRows]);

}  // namespace fastbatch::kernels
