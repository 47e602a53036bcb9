// SPDX-License-Identifier: MIT
// What kernels::convert() means, written out one value at a time, in none of its own words: the tests' yardstick.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/kernels.h"

namespace fastbatch::kernels::testing {

inline double half_value(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const double mantissa = half & 1023;
  const double size = exponent == 31  ? (mantissa == 0 ? std::numeric_limits<double>::infinity() : std::nan(""))
                      : exponent == 0 ? std::ldexp(mantissa, -24)
                                      : std::ldexp(1024 + mantissa, exponent - 25);
  return (half & 0x8000) != 0 ? -size : size;
}

// The nearest of all halves, by bisection of their values; ties to the even one.
inline std::uint16_t nearest_half(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double size = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7E00);
  std::uint16_t low = 0;  // the largest half that is not above
  for (std::uint16_t bit = 0x4000; bit != 0; bit >>= 1) {
    const auto next = static_cast<std::uint16_t>(low | bit);
    if (next <= 0x7BFF && half_value(next) <= size) low = next;
  }
  const double below = half_value(low);
  const double above = low == 0x7BFF ? 65536.0 : half_value(static_cast<std::uint16_t>(low + 1));
  const bool up = size - below > above - size || (size - below == above - size && (low & 1) != 0);
  return static_cast<std::uint16_t>(sign | (low + (up ? 1 : 0)));
}

// A value of any type: what it is as an integer, or as a float.
struct Value {
  bool is_float;
  double number;       // when a float
  std::uint64_t bits;  // when an integer, sign-extended
  bool is_signed;
  template <typename T>
  [[nodiscard]] T as() const {
    if (is_float) return static_cast<T>(number);
    return is_signed ? static_cast<T>(static_cast<std::int64_t>(bits)) : static_cast<T>(bits);
  }
};

template <typename T>
T raw(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

inline Value value_at(DType dtype, const std::byte* at) {
  const auto integer = [](auto v) {
    return Value{false, 0, static_cast<std::uint64_t>(v), std::is_signed_v<decltype(v)>};
  };
  const auto floating = [](double v) { return Value{true, v, 0, true}; };
  switch (dtype) {
    case DType::kBool: return integer(static_cast<std::uint8_t>(raw<std::uint8_t>(at) != 0));
    case DType::kU8: return integer(raw<std::uint8_t>(at));
    case DType::kI8: return integer(raw<std::int8_t>(at));
    case DType::kU16: return integer(raw<std::uint16_t>(at));
    case DType::kI16: return integer(raw<std::int16_t>(at));
    case DType::kU32: return integer(raw<std::uint32_t>(at));
    case DType::kI32: return integer(raw<std::int32_t>(at));
    case DType::kU64: return integer(raw<std::uint64_t>(at));
    case DType::kI64: return integer(raw<std::int64_t>(at));
    case DType::kF16: return floating(half_value(raw<std::uint16_t>(at)));
    case DType::kF32: return floating(static_cast<double>(raw<float>(at)));
    default: return floating(raw<double>(at));
  }
}

template <typename T>
std::uint64_t integer_bits(const Value& value) {
  if (!value.is_float) return static_cast<std::uint64_t>(static_cast<T>(value.bits));
  if (std::isnan(value.number)) return 0;
  const auto whole = static_cast<long double>(std::trunc(value.number));
  const auto low = static_cast<long double>(std::numeric_limits<T>::min());
  const auto high = static_cast<long double>(std::numeric_limits<T>::max());
  return static_cast<std::uint64_t>(static_cast<T>(std::min(std::max(whole, low), high)));
}

// The bytes of `value` as dtype, in the low end of 64 bits.
inline std::uint64_t stored(DType dtype, const Value& value) {
  switch (dtype) {
    case DType::kBool: return value.is_float ? value.number != 0 : value.bits != 0;
    case DType::kU8: return integer_bits<std::uint8_t>(value);
    case DType::kI8: return integer_bits<std::int8_t>(value);
    case DType::kU16: return integer_bits<std::uint16_t>(value);
    case DType::kI16: return integer_bits<std::int16_t>(value);
    case DType::kU32: return integer_bits<std::uint32_t>(value);
    case DType::kI32: return integer_bits<std::int32_t>(value);
    case DType::kU64: return integer_bits<std::uint64_t>(value);
    case DType::kI64: return integer_bits<std::int64_t>(value);
    case DType::kF16: return nearest_half(value.as<double>());
    case DType::kF32: return std::bit_cast<std::uint32_t>(value.as<float>());
    default: return std::bit_cast<std::uint64_t>(value.as<double>());
  }
}

inline bool in_f32(DType src, DType dst) {
  const auto fits = [](DType dtype) { return size_of(dtype) <= 2 || dtype == DType::kF32; };
  return dst == DType::kF16 || (fits(src) && fits(dst));
}

template <typename T>
Value scaled(const Value& value, double scale, double shift) {
  const volatile T product = value.as<T>() * static_cast<T>(scale);  // volatile: rounded here, whatever the flags
  return Value{true, static_cast<double>(product + static_cast<T>(shift)), 0, true};
}

inline std::vector<std::byte> by_definition(const Conversion& c, const std::byte* src, std::size_t pixels) {
  const std::size_t src_size = size_of(c.src), dst_size = size_of(c.dst);
  std::vector<std::byte> dst(pixels * c.channels * dst_size);
  const auto place = [&](Channels layout, std::size_t p, std::size_t channel) {
    return layout == Channels::kLast ? p * c.channels + channel : channel * pixels + p;
  };
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t channel = 0; channel < c.channels; ++channel) {
      std::byte element[8];
      std::memcpy(element, src + place(c.from, p, channel) * src_size, src_size);
      if (c.swap_bytes) std::reverse(element, element + src_size);
      std::byte* to = dst.data() + place(c.to, p, channel) * dst_size;
      if (c.src == c.dst && c.scale.empty()) {
        std::memcpy(to, element, dst_size);
        continue;
      }
      Value value = value_at(c.src, element);
      if (!c.scale.empty()) {
        const double scale = c.scale[channel], shift = c.shift[channel];
        value = in_f32(c.src, c.dst) ? scaled<float>(value, scale, shift) : scaled<double>(value, scale, shift);
      }
      const std::uint64_t bits = stored(c.dst, value);
      std::memcpy(to, &bits, dst_size);  // little-endian, like every machine these tests run on
    }
  }
  return dst;
}

}  // namespace fastbatch::kernels::testing
