// SPDX-License-Identifier: MIT
// IEEE 754 binary16, as 16 bits: the hardware's conversions in integer arithmetic, for every CPU.
// Threads: any.
// Rounds to nearest, ties to even. Keeps subnormals. A NaN keeps its sign and upper payload and becomes quiet.
#pragma once

#include <bit>
#include <cstdint>

namespace fastbatch::kernels {

// Exact. Every half is a double.
constexpr double half_to_double(std::uint16_t half) {
  const std::uint64_t sign = std::uint64_t{half & 0x8000U} << 48;
  const std::uint64_t exponent = (half >> 10) & 0x1FU;
  const std::uint64_t mantissa = half & 0x3FFU;
  if (exponent == 0x1F) {
    const std::uint64_t quiet = mantissa != 0 ? std::uint64_t{1} << 51 : 0;
    return std::bit_cast<double>(sign | std::uint64_t{0x7FF} << 52 | quiet | mantissa << 42);
  }
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const double magnitude = static_cast<double>(mantissa) * 0x1p-24;
    return std::bit_cast<double>(sign | std::bit_cast<std::uint64_t>(magnitude));
  }
  return std::bit_cast<double>(sign | (exponent + (1023 - 15)) << 52 | mantissa << 42);
}

// Rounds once: a conversion through float would round some values twice.
constexpr std::uint16_t double_to_half(double value) {
  constexpr int kDropped = 52 - 10;  // mantissa bits of a double minus those of a half
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 48) & 0x8000U);
  const std::uint64_t magnitude = bits & ~(std::uint64_t{1} << 63);
  const std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
  const int exponent = static_cast<int>(magnitude >> 52) - 1023;
  if (exponent == 1024) {
    if (mantissa == 0) return sign | 0x7C00U;
    return static_cast<std::uint16_t>(sign | 0x7E00U | (mantissa >> kDropped));
  }
  if (exponent > 15) return sign | 0x7C00U;
  if (exponent < -25) return sign;  // below half of the smallest subnormal
  // The full mantissa, and the number of bits to drop, which grows for smaller subnormals.
  const bool normal = exponent >= -14;
  const std::uint64_t whole = mantissa | std::uint64_t{1} << 52;
  const int shift = normal ? kDropped : kDropped + (-14 - exponent);
  const std::uint64_t kept = whole >> shift;
  const std::uint64_t rest = whole & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t halfway = std::uint64_t{1} << (shift - 1);
  const std::uint64_t up = rest > halfway || (rest == halfway && (kept & 1U) != 0) ? 1 : 0;
  // The leading one of a normal number adds 1 to the exponent field, and so does a carry out of the mantissa, up to
  // infinity.
  const std::uint64_t field = normal ? static_cast<std::uint64_t>(exponent + 14) << 10 : 0;
  return static_cast<std::uint16_t>(sign | (field + kept + up));
}

}  // namespace fastbatch::kernels
