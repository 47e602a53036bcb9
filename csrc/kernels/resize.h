// SPDX-License-Identifier: MIT
// The two passes of a separable resize with Pillow's arithmetic: 8-bit pixels, weights with 22 fractional bits,
// 32-bit sums, rounded and clipped to 8 bits after each pass.
// Threads: any; nothing here allocates except pack(). Every target gives the same bytes as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastbatch::kernels {

constexpr int kWeightBits = 22;

// The layout of the weights for the kernels of a target. Set by pack(); targets that do not support it use `weights`.
enum class WeightLayout : std::uint8_t {
  kPlain,  // Taps::weights
  kPairs,  // per two taps: two 16-bit words with bits 15 and up, then two with the lower 15 bits
  kQuads,  // per four taps: their lowest digits in base 256 as signed bytes, the middle ones, the highest; then 0
};

// One axis: output i is the sum of weights[i * stride + k] * source[start[i] + k] over k < count[i].
struct Taps {
  std::vector<std::uint32_t> start;
  std::vector<std::uint32_t> count;  // may be 0: the output is then 0
  std::size_t most = 0;              // the largest count
  std::size_t stride = 0;            // >= most, a multiple of 4; weights after count are 0
  std::vector<std::int32_t> weights;
  WeightLayout layout = WeightLayout::kPlain;
  std::vector<std::int32_t> packed;  // the same weights in `layout`
};

std::vector<WeightLayout> weight_layouts();  // supported by the target in use, best first, kPlain last
// Sets layout and packed.
void pack(Taps& taps, WeightLayout layout);

// Horizontal pass: dst[r] (start.size() pixels) from src[r] (`pixels` readable pixels), for r < n_rows.
// `channels`: 1 to 4. Fastest with a multiple of 4 rows. No overlap.
void resize_rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t pixels,
                 std::uint8_t* const* dst, std::size_t n_rows);

// Vertical pass: output row i, n_bytes long, from count[i] rows; rows[k] is source row start[i] + k.
void resize_columns(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                    std::size_t n_bytes);

}  // namespace fastbatch::kernels
