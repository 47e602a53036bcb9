// SPDX-License-Identifier: MIT
// The inverse DCT by its definition, with all checks of the range. Loeffler's butterflies are multiplied out: each
// output is a sum of products of the inputs, which is the same in integers.
#include <algorithm>
#include <array>

#include "kernels/jpeg_idct.h"
#include "kernels/jpeg_idct_weights.h"

namespace fastbatch::kernels {
namespace {

// 64 bits: sums outside the range do not overflow either.
using Sum = std::int64_t;

constexpr Sum kSmallest = -32768;
constexpr Sum kLargest = 32767;

bool is_16_bit(Sum value) { return value >= kSmallest && value <= kLargest; }

// The sums of inputs that libjpeg's SIMD code computes with 16 bits.
bool sums_fit(const std::array<Sum, kDctSide>& in) {
  return is_16_bit(in[0] + in[4]) && is_16_bit(in[0] - in[4]) && is_16_bit(in[3] + in[7]) && is_16_bit(in[1] + in[5]);
}

// kSize outputs of one row or column, scaled by 2^(13 + kExtra).
template <std::size_t kSize>
std::array<Sum, kSize> transform(const std::array<Sum, kDctSide>& in) {
  using Weights = IdctWeights<kSize>;
  std::array<Sum, kSize> out;
  for (std::size_t j = 0; j < kSize / 2; ++j) {
    Sum even = 0;
    Sum odd = 0;
    for (std::size_t k = 0; k < kDctSide; k += 2) {
      even += Weights::at(k, j) * in[k];
      odd += Weights::at(k + 1, j) * in[k + 1];
    }
    out[j] = even + odd;
    out[kSize - 1 - j] = even - odd;
  }
  return out;
}

Sum rounded(Sum value, unsigned bits) { return (value + (Sum{1} << (bits - 1))) >> bits; }

// Returns whether the pixel is in range.
bool store(Sum value, std::uint8_t& pixel) {
  pixel = static_cast<std::uint8_t>(std::clamp<Sum>(value + 128, 0, 255));
  return value >= -512 && value <= 511;
}

template <std::size_t kSize>
bool transform_block(const std::int16_t* coefficients, const std::int16_t* quantizers, std::uint8_t* dst,
                     std::ptrdiff_t stride) {
  using Weights = IdctWeights<kSize>;
  bool in_range = true;
  std::array<std::array<Sum, kDctSide>, kSize> between{};
  for (std::size_t column = 0; column < kDctSide; ++column) {
    if (!Weights::uses(column)) continue;
    std::array<Sum, kDctSide> in{};
    for (std::size_t row = 0; row < kDctSide; ++row) {
      if (!Weights::uses(row)) continue;
      const std::size_t i = row * kDctSide + column;
      in[row] = Sum{coefficients[i]} * quantizers[i];
      in_range = in_range && is_16_bit(in[row]);
    }
    in_range = in_range && (kSize < kDctSide || sums_fit(in));
    const std::array<Sum, kSize> out = transform<kSize>(in);
    for (std::size_t row = 0; row < kSize; ++row) {
      between[row][column] = rounded(out[row], Weights::kBits - kFirstPassBits);
      in_range = in_range && is_16_bit(between[row][column]);
    }
  }
  for (std::size_t row = 0; row < kSize; ++row) {
    in_range = in_range && (kSize < kDctSide || sums_fit(between[row]));
    const std::array<Sum, kSize> out = transform<kSize>(between[row]);
    for (std::size_t column = 0; column < kSize; ++column) {
      const Sum value = rounded(out[column], Weights::kBits + kFirstPassBits + 3);
      in_range = store(value, dst[static_cast<std::ptrdiff_t>(row) * stride + static_cast<std::ptrdiff_t>(column)]) &&
                 in_range;
    }
  }
  return in_range;
}

bool transform_any(unsigned size, const std::int16_t* coefficients, const std::int16_t* quantizers, std::uint8_t* dst,
                   std::ptrdiff_t stride) {
  switch (size) {
    case 8: return transform_block<8>(coefficients, quantizers, dst, stride);
    case 4: return transform_block<4>(coefficients, quantizers, dst, stride);
    case 2: return transform_block<2>(coefficients, quantizers, dst, stride);
    default: return store(rounded(Sum{coefficients[0]} * quantizers[0], 3), *dst);
  }
}

}  // namespace

bool inverse_dct_blocks(unsigned size, const std::int16_t* coefficients, std::size_t n, const std::int16_t* quantizers,
                        std::uint8_t* dst, std::ptrdiff_t stride) {
  bool in_range = true;
  for (std::size_t b = 0; b < n; ++b) {
    in_range = transform_any(size, coefficients + b * kDctBlock, quantizers, dst + b * size, stride) && in_range;
  }
  return in_range;
}

}  // namespace fastbatch::kernels
