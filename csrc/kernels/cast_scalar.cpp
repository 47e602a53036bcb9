// SPDX-License-Identifier: MIT
// All casts in plain C++: load into 64 bits, scale, store. Three steps instead of 12 x 12 functions. Lossless, since a
// 64-bit integer holds every integer and a double every float.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/cast.h"
#include "kernels/float16.h"

namespace fastbatch::kernels {
namespace {

constexpr std::size_t kBlock = 256;  // elements
using Wide = std::array<std::uint64_t, kBlock>;

// The interpretation of the 64 bits.
enum class Kind : std::uint8_t { kSigned, kUnsigned, kFloat };

constexpr Kind kind_of(DType dtype) {
  if (is_float(dtype)) return Kind::kFloat;
  return dtype == DType::kU64 ? Kind::kUnsigned : Kind::kSigned;
}

template <typename T>
T read(const std::byte* src, std::size_t i) {
  T value;
  std::memcpy(&value, src + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void write(std::byte* dst, std::size_t i, T value) {
  std::memcpy(dst + i * sizeof(T), &value, sizeof(T));
}

std::uint64_t bits_of(double value) { return std::bit_cast<std::uint64_t>(value); }

// Element types without a C++ type of their own: stored as uint16_t and uint8_t.
struct Half {};
struct Bool {};

template <typename T>
void load(const std::byte* src, Wide& wide, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, Bool>) {
      wide[i] = read<std::uint8_t>(src, i) != 0 ? 1 : 0;
    } else if constexpr (std::is_same_v<T, Half>) {
      wide[i] = bits_of(half_to_double(read<std::uint16_t>(src, i)));
    } else if constexpr (std::is_floating_point_v<T>) {
      wide[i] = bits_of(static_cast<double>(read<T>(src, i)));
    } else {
      wide[i] = static_cast<std::uint64_t>(read<T>(src, i));  // sign-extended
    }
  }
}

// Rounds toward zero; saturates; NaN gives 0.
template <typename T>
T truncate(double value) {
  constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr double kEnd = 2.0 * static_cast<double>(std::uint64_t{1} << (std::numeric_limits<T>::digits - 1));
  if (std::isnan(value)) return 0;
  if (value <= kLow) return std::numeric_limits<T>::min();
  if (value >= kEnd) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

template <Kind kKind, typename T>
T number(std::uint64_t wide) {
  if constexpr (kKind == Kind::kSigned) {
    return static_cast<T>(static_cast<std::int64_t>(wide));
  } else if constexpr (kKind == Kind::kUnsigned) {
    return static_cast<T>(wide);
  } else {
    return static_cast<T>(std::bit_cast<double>(wide));
  }
}

template <Kind kKind, typename T>
void store(const Wide& wide, std::byte* dst, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, Bool>) {
      write<std::uint8_t>(dst, i, number<kKind, double>(wide[i]) != 0.0 ? 1 : 0);
    } else if constexpr (std::is_same_v<T, Half>) {
      write(dst, i, double_to_half(number<kKind, double>(wide[i])));
    } else if constexpr (kKind == Kind::kFloat && std::is_integral_v<T>) {
      write(dst, i, truncate<T>(std::bit_cast<double>(wide[i])));
    } else {
      write(dst, i, number<kKind, T>(wide[i]));  // integers wrap
    }
  }
}

// The result is of Kind::kFloat. `phase`: index of the first element in the table.
template <Kind kKind, typename T>
void scale(Wide& wide, std::size_t n, const Affine& affine, std::size_t phase) {
  const Affine::Table<T>& table = affine.table<T>();
  for (std::size_t i = 0; i < n; ++i) {
    const T product = number<kKind, T>(wide[i]) * table.scale[phase];
    wide[i] = bits_of(static_cast<double>(product + table.shift[phase]));
    if (++phase == affine.period) phase = 0;
  }
}

using Load = void (*)(const std::byte*, Wide&, std::size_t);
using Store = void (*)(const Wide&, std::byte*, std::size_t);
using Scale = void (*)(Wide&, std::size_t, const Affine&, std::size_t);

// In the order of DType.
constexpr Load kLoads[] = {load<Bool>,         load<std::uint8_t>,  load<std::int8_t>,  load<std::uint16_t>,
                           load<std::int16_t>, load<std::uint32_t>, load<std::int32_t>, load<std::uint64_t>,
                           load<std::int64_t>, load<Half>,          load<float>,        load<double>};
template <Kind kKind>
constexpr Store kStores[] = {store<kKind, Bool>,          store<kKind, std::uint8_t>,  store<kKind, std::int8_t>,
                             store<kKind, std::uint16_t>, store<kKind, std::int16_t>,  store<kKind, std::uint32_t>,
                             store<kKind, std::int32_t>,  store<kKind, std::uint64_t>, store<kKind, std::int64_t>,
                             store<kKind, Half>,          store<kKind, float>,         store<kKind, double>};
static_assert(std::size(kLoads) == static_cast<std::size_t>(DType::kOpaque));
static_assert(std::size(kStores<Kind::kFloat>) == std::size(kLoads));

Store find_store(Kind kind, DType dtype) {
  const auto i = static_cast<std::size_t>(dtype);
  switch (kind) {
    case Kind::kSigned: return kStores<Kind::kSigned>[i];
    case Kind::kUnsigned: return kStores<Kind::kUnsigned>[i];
    case Kind::kFloat: break;
  }
  return kStores<Kind::kFloat>[i];
}

Scale find_scale(Kind kind, bool in_f32) {
  switch (kind) {
    case Kind::kSigned: return in_f32 ? scale<Kind::kSigned, float> : scale<Kind::kSigned, double>;
    case Kind::kUnsigned: return in_f32 ? scale<Kind::kUnsigned, float> : scale<Kind::kUnsigned, double>;
    case Kind::kFloat: break;
  }
  return in_f32 ? scale<Kind::kFloat, float> : scale<Kind::kFloat, double>;
}

}  // namespace

void run_scalar(DType src_type, DType dst_type, const std::byte* src, std::byte* dst, std::size_t n,
                const Affine& affine) {
  const Load load_block = kLoads[static_cast<std::size_t>(src_type)];
  const Scale scale_block = affine.period == 0 ? nullptr : find_scale(kind_of(src_type), affine.in_f32);
  const Store store_block = find_store(scale_block != nullptr ? Kind::kFloat : kind_of(src_type), dst_type);
  Wide wide;
  for (std::size_t start = 0; start < n; start += kBlock) {
    const std::size_t count = std::min(kBlock, n - start);
    load_block(src + start * size_of(src_type), wide, count);
    if (scale_block != nullptr) scale_block(wide, count, affine, start % affine.period);
    store_block(wide, dst + start * size_of(dst_type), count);
  }
}

}  // namespace fastbatch::kernels
