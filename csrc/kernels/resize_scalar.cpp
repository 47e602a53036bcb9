// SPDX-License-Identifier: MIT
// The resize passes in plain C++, and the packing of weights for the other targets.
#include "kernels/resize_scalar.h"

namespace fastbatch::kernels {
namespace {

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_byte(std::int32_t sum) noexcept {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

template <std::size_t kChannels>
void row(const Taps& taps, const std::uint8_t* src, std::uint8_t* dst) {
  for (std::size_t i = 0; i < taps.start.size(); ++i) {
    const std::int32_t* const weight = taps.weights.data() + i * taps.stride;
    const std::uint8_t* const pixel = src + taps.start[i] * kChannels;
    std::int32_t sum[kChannels];
    for (std::int32_t& s : sum) s = kHalf;
    for (std::size_t k = 0; k < taps.count[i]; ++k) {
      for (std::size_t c = 0; c < kChannels; ++c) sum[c] += pixel[k * kChannels + c] * weight[k];
    }
    for (std::size_t c = 0; c < kChannels; ++c) dst[i * kChannels + c] = to_byte(sum[c]);
  }
}

std::int32_t pair(std::int32_t even, std::int32_t odd) noexcept {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(even) & 0xFFFFU) |
                                   (static_cast<std::uint32_t>(odd) << 16));
}

void pack_pair(const std::int32_t* weights, std::int32_t* packed) noexcept {
  packed[0] = pair(weights[0] >> kPairBits, weights[1] >> kPairBits);
  packed[1] = pair(weights[0] & kPairMask, weights[1] & kPairMask);
}

// False if a weight needs more than three signed digits: it is then 2 or more, which no supported filter gives. Adding
// 128 to each digit makes the digits unsigned, so that they can be read from the number; flipping the top bit subtracts
// 128 again.
bool pack_quad(const std::int32_t* weights, std::int32_t* packed) noexcept {
  constexpr std::uint32_t kOffsets = 0x00808080;
  std::uint32_t digits[4];
  for (int k = 0; k < 4; ++k) digits[k] = static_cast<std::uint32_t>(weights[k]) + kOffsets;
  if ((digits[0] | digits[1] | digits[2] | digits[3]) >> (3 * kQuadBits) != 0) return false;
  for (int digit = 0; digit < 3; ++digit) {
    std::uint32_t quad = 0;
    for (int k = 0; k < 4; ++k) quad |= (digits[k] >> (kQuadBits * digit) & 0xFFU) << (kQuadBits * k);
    packed[digit] = static_cast<std::int32_t>(quad ^ 0x80808080U);
  }
  return true;
}

}  // namespace

void pack(Taps& taps, WeightLayout layout) {
  taps.layout = layout;
  taps.packed.clear();
  if (layout == WeightLayout::kPlain) return;
  taps.packed.resize(taps.weights.size());
  const std::int32_t* const weights = taps.weights.data();
  for (std::size_t k = 0; k < taps.weights.size(); k += 4) {
    if (layout == WeightLayout::kPairs) {
      pack_pair(weights + k, taps.packed.data() + k);
      pack_pair(weights + k + 2, taps.packed.data() + k + 2);
    } else if (!pack_quad(weights + k, taps.packed.data() + k)) {
      return pack(taps, WeightLayout::kPlain);
    }
  }
}

void resize_rows_scalar(const Taps& taps, std::size_t channels, const std::uint8_t* const* src,
                        std::uint8_t* const* dst, std::size_t n_rows) {
  for (std::size_t r = 0; r < n_rows; ++r) {
    switch (channels) {
      case 1: row<1>(taps, src[r], dst[r]); break;
      case 2: row<2>(taps, src[r], dst[r]); break;
      case 3: row<3>(taps, src[r], dst[r]); break;
      default: row<4>(taps, src[r], dst[r]); break;
    }
  }
}

void resize_columns_scalar(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                           std::size_t first, std::size_t end) {
  const std::int32_t* const weight = taps.weights.data() + i * taps.stride;
  for (std::size_t x = first; x < end; ++x) {
    std::int32_t sum = kHalf;
    for (std::size_t k = 0; k < taps.count[i]; ++k) sum += rows[k][x] * weight[k];
    dst[x] = to_byte(sum);
  }
}

}  // namespace fastbatch::kernels
