// SPDX-License-Identifier: MIT
// convert(): every target against the definition, and against the plain path at every length and place.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <utility>

#include "cast_by_definition.h"
#include "kernels/kernels.h"
#include "kernels_on_all_targets.h"

namespace fastbatch::kernels {
namespace {

using testing::Arena;
using testing::by_definition;
using testing::half_value;
using testing::kLengths;
using testing::kOffsets;
using testing::noise;
using testing::stored;
using testing::Value;
using testing::value_at;

constexpr DType kAll[] = {DType::kBool, DType::kU8,  DType::kI8,  DType::kU16, DType::kI16, DType::kU32,
                          DType::kI32,  DType::kU64, DType::kI64, DType::kF16, DType::kF32, DType::kF64};

std::vector<std::byte> converted(const Conversion& c, const std::vector<std::byte>& src, std::size_t pixels) {
  std::vector<std::byte> dst(pixels * c.channels * size_of(c.dst));
  convert(c, src.data(), dst.data(), pixels);
  return dst;
}

// ---- inputs ----------------------------------------------------------------------------------------------------

Conversion conversion(DType src, DType dst, std::size_t channels = 1, bool scale = false) {
  Conversion c;
  c.src = src;
  c.dst = dst;
  c.channels = channels;
  for (std::size_t i = 0; scale && i < channels; ++i) {
    c.scale.push_back(1.0 / (57.0 + static_cast<double>(i)));
    c.shift.push_back(-2.1 + 0.7 * static_cast<double>(i % 9));
  }
  return c;
}

// n elements: for floats, quiet NaN, infinities, zeros, subnormals, ties of a half, the edges of the integer types;
// else noise.
std::vector<std::byte> values(DType dtype, std::size_t n) {
  std::vector<std::byte> bytes = noise(n * size_of(dtype), n + 1);
  if (!is_float(dtype)) return bytes;
  static const double kSpecial[] = {0.0,
                                    -0.0,
                                    1.0,
                                    -1.0,
                                    0.5,
                                    -0.5,
                                    254.99,
                                    255.0,
                                    255.5,
                                    256.0,
                                    -129.0,
                                    65504.0,
                                    65519.99,
                                    65520.0,
                                    65536.0,
                                    0x1p-24,
                                    0x1p-25,
                                    0x1.8p-25,
                                    0x1.002p0,
                                    0x1.006p0,
                                    0x1p-14,
                                    0x1.ffcp-15,
                                    0x1.fffp-15,
                                    2147483647.0,
                                    2147483648.0,
                                    -2147483649.0,
                                    0x1p63,
                                    -0x1p63,
                                    0x1p64,
                                    1e300,
                                    -1e300,
                                    1e-300,
                                    1e-40,
                                    4294967296.0,
                                    0x1.00200001p0,
                                    std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity(),
                                    std::numeric_limits<double>::quiet_NaN(),
                                    3.7,
                                    -3.7,
                                    100.25,
                                    17.0,
                                    32768.5};
  for (std::size_t i = 0; i < n; ++i) {
    std::byte* at = bytes.data() + i * size_of(dtype);
    if (i % 3 != 2) {  // two thirds special, one third random bits
      const std::uint64_t bits = stored(dtype, Value{true, kSpecial[(i * 7) % std::size(kSpecial)], 0, true});
      std::memcpy(at, &bits, size_of(dtype));
    } else if (std::isnan(value_at(dtype, at).number)) {
      std::memset(at, 0, size_of(dtype));  // NaN payloads have a test of their own
    }
  }
  return bytes;
}

// ---- tests -----------------------------------------------------------------------------------------------------

// `content` is in this machine's byte order; what the definition makes of it is asked of every target.
void check_on_all_targets(const Conversion& c, std::vector<std::byte> content, std::size_t pixels) {
  if (c.swap_bytes) byte_swap(content.data(), content.data(), c.channels * pixels, size_of(c.src));
  const std::vector<std::byte> expected = by_definition(c, content.data(), pixels);
  testing::on_all_targets([&] { CHECK(converted(c, content, pixels) == expected); });
}

TEST_CASE("convert: all pairs of types, plain and scaled, in either byte order, by definition") {
  constexpr std::size_t kPixels = 431;
  for (const DType src : kAll) {
    for (const DType dst : kAll) {
      for (int variant = 0; variant < 8; ++variant) {
        Conversion c = conversion(src, dst, (variant & 1) != 0 ? 3 : 1, (variant & 2) != 0);
        c.swap_bytes = (variant & 4) != 0;
        CAPTURE(static_cast<int>(src));
        CAPTURE(static_cast<int>(dst));
        CAPTURE(variant);
        check_on_all_targets(c, values(src, c.channels * kPixels), kPixels);
      }
    }
  }
}

TEST_CASE("convert: every layout, many and few channels, one pixel") {
  using enum DType;
  const std::pair<DType, DType> pairs[] = {{kU8, kF32}, {kF64, kF16}, {kU16, kI64}, {kF32, kF32}, {kI64, kF64}};
  for (const auto& [src, dst] : pairs) {
    for (const std::size_t channels : {1U, 2U, 3U, 4U, 5U, 255U, 257U, 600U}) {
      for (const std::size_t pixels : {1U, 2U, 65U, 2100U}) {
        if (channels * pixels > 10000) continue;
        for (int variant = 0; variant < 16; ++variant) {
          Conversion c = conversion(src, dst, channels, (variant & 1) != 0);
          c.swap_bytes = (variant & 2) != 0;
          c.from = (variant & 4) != 0 ? Channels::kFirst : Channels::kLast;
          c.to = (variant & 8) != 0 ? Channels::kFirst : Channels::kLast;
          CAPTURE(channels);
          CAPTURE(pixels);
          CAPTURE(variant);
          check_on_all_targets(c, values(src, channels * pixels), pixels);
        }
      }
    }
  }
}

TEST_CASE("convert: every length at every misalignment, the same bytes on every target") {
  struct Case {
    DType src, dst;
    std::size_t channels;
    bool scale;
    Channels to;
    std::size_t step = 5;  // of the misalignments: each one comes with every step-th length; 1: each with each
  };
  using enum DType;
  constexpr Channels kLast = Channels::kLast, kFirst = Channels::kFirst;
  const Case cases[] = {
      {kU8, kF32, 3, true, kFirst, 1}, {kU8, kF32, 1, false, kLast, 1}, {kF64, kF32, 1, true, kLast, 1},
      {kU8, kF32, 1, true, kLast},     {kU8, kF32, 3, true, kLast},     {kU8, kF32, 4, true, kFirst},
      {kU8, kF32, 4, true, kLast},     {kU8, kF16, 3, true, kFirst},    {kU8, kU8, 3, false, kFirst},
      {kU8, kU8, 3, true, kLast},      {kU8, kF64, 1, true, kLast},     {kU16, kF32, 1, true, kLast},
      {kI16, kF32, 1, false, kLast},   {kF16, kF32, 1, false, kLast},   {kF32, kF16, 1, false, kLast},
      {kF32, kF32, 3, true, kLast},    {kF32, kU8, 1, false, kLast},    {kF32, kF64, 1, false, kLast},
      {kF64, kF32, 2, true, kFirst},   {kF64, kF64, 1, true, kLast},    {kI64, kF32, 1, false, kLast},
      {kU16, kI64, 1, false, kLast},   {kU8, kI64, 1, false, kLast},    {kI8, kU32, 1, false, kLast},
      {kI16, kI64, 1, false, kLast},   {kU16, kI32, 1, false, kLast},   {kI32, kU64, 1, false, kLast},
      {kU32, kI64, 1, false, kLast}};
  for (const Case& each : cases) {
    Conversion c = conversion(each.src, each.dst, each.channels, each.scale);
    c.to = each.to;
    CAPTURE(static_cast<int>(each.src));
    CAPTURE(static_cast<int>(each.dst));
    CAPTURE(each.channels);
    for (std::size_t pixels = 0; pixels < kLengths; ++pixels) {
      const std::vector<std::byte> content = values(each.src, pixels * each.channels);
      narrow_targets("scalar");
      const std::vector<std::byte> expected = converted(c, content, pixels);
      testing::on_all_targets([&] {
        for (std::size_t offset = pixels % each.step; offset < kOffsets; offset += each.step) {
          Arena src(offset, content), dst(offset + pixels, expected.size());
          convert(c, src.data(), dst.data(), pixels);
          REQUIRE(dst.holds(expected));
        }
      });
    }
  }
}

// Bits of the float at and around every boundary between two halves, both signs.
TEST_CASE("convert: float16 rounds to nearest even, once, from float32 and from float64") {
  std::vector<double> wide;
  std::vector<std::uint16_t> expected;
  for (std::uint16_t half = 0; half < 0x7C00; ++half) {
    const double low = half_value(half);
    const double high = half == 0x7BFF ? 65536.0 : half_value(static_cast<std::uint16_t>(half + 1));
    const double tie = (low + high) / 2;
    const auto next = static_cast<std::uint16_t>(half + 1);
    const std::pair<double, std::uint16_t> points[] = {{low, half},
                                                       {std::nextafter(tie, 0), half},
                                                       {tie, (half & 1) != 0 ? next : half},
                                                       {std::nextafter(tie, 1e9), next}};
    for (const auto& [value, to] : points) {
      wide.insert(wide.end(), {value, -value});
      expected.insert(expected.end(), {to, static_cast<std::uint16_t>(to | 0x8000)});
    }
  }
  const std::size_t n = wide.size();
  std::vector<float> narrow(n);
  std::vector<std::uint16_t> narrow_expected = expected;
  for (std::size_t i = 0; i < n; ++i) {
    narrow[i] = static_cast<float>(wide[i]);  // beside a tie: onto it
    if (static_cast<double>(narrow[i]) != wide[i]) {
      const float away = i / 2 % 4 == 1 ? 0.0F : 1e9F;
      narrow[i] = std::copysign(std::nextafter(std::fabs(narrow[i]), away), narrow[i]);
    }
  }
  testing::on_all_targets([&] {
    std::vector<std::uint16_t> halves(n);
    convert(conversion(DType::kF64, DType::kF16), reinterpret_cast<const std::byte*>(wide.data()),
            reinterpret_cast<std::byte*>(halves.data()), n);
    CHECK(halves == expected);
    convert(conversion(DType::kF32, DType::kF16), reinterpret_cast<const std::byte*>(narrow.data()),
            reinterpret_cast<std::byte*>(halves.data()), n);
    CHECK(halves == narrow_expected);
  });
}

TEST_CASE("convert: every float16 widens exactly, and NaN keeps sign and payload but becomes quiet") {
  std::vector<std::uint16_t> halves(65536);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  testing::on_all_targets([&] {
    std::vector<float> floats(halves.size());
    std::vector<double> doubles(halves.size());
    std::vector<std::uint16_t> back(halves.size());
    const auto* src = reinterpret_cast<const std::byte*>(halves.data());
    convert(conversion(DType::kF16, DType::kF32), src, reinterpret_cast<std::byte*>(floats.data()), halves.size());
    convert(conversion(DType::kF16, DType::kF64), src, reinterpret_cast<std::byte*>(doubles.data()), halves.size());
    convert(conversion(DType::kF32, DType::kF16), reinterpret_cast<const std::byte*>(floats.data()),
            reinterpret_cast<std::byte*>(back.data()), halves.size());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < halves.size(); ++i) {
      const bool is_nan = (i & 0x7C00) == 0x7C00 && (i & 0x3FF) != 0;
      const std::uint32_t nan_bits = static_cast<std::uint32_t>((i & 0x8000) << 16 | 0x7FC00000 | (i & 0x3FF) << 13);
      const auto bits = std::bit_cast<std::uint32_t>(floats[i]);
      const float exact = static_cast<float>(half_value(halves[i]));
      const bool right =
          bits == (is_nan ? nan_bits : std::bit_cast<std::uint32_t>(exact)) &&
          std::bit_cast<std::uint64_t>(doubles[i]) == std::bit_cast<std::uint64_t>(static_cast<double>(floats[i])) &&
          back[i] == (is_nan ? i | 0x200 : i);
      wrong += right ? 0 : 1;
    }
    CHECK(wrong == 0);
  });
}

TEST_CASE("convert: refuses opaque elements and scales that do not match the channels") {
  const auto message_of = [](const Conversion& c) -> std::string {
    std::byte src[8] = {}, dst[8] = {};
    try {
      convert(c, src, dst, 1);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(message_of(conversion(DType::kOpaque, DType::kU8)).find("opaque") != std::string::npos);
  CHECK(message_of(conversion(DType::kU8, DType::kOpaque)).find("opaque") != std::string::npos);
  Conversion c = conversion(DType::kU8, DType::kU8, 3, true);
  c.scale.pop_back();
  CHECK(message_of(c) == "cast: expected 3 scales and shifts, found 2 and 3");
  c.shift.clear();
  CHECK(message_of(c) == "cast: expected 3 scales and shifts, found 2 and 0");
}

TEST_CASE("convert: written around the caches, the same bytes") {
  testing::on_all_targets([] {
    for (const DType dst : {DType::kF32, DType::kF16})
      for (const std::size_t pixels : {1U, 15U, 16U, 17U, 64U, 160U}) {
        Conversion c = conversion(DType::kU8, dst, 3, true);
        c.to = Channels::kFirst;
        const std::vector<std::byte> src = noise(3 * pixels);
        const std::vector<std::byte> expected = converted(c, src, pixels);
        alignas(64) std::byte found[160 * 3 * 4 + 64];
        for (const std::size_t offset : {0U, 4U, 64U}) {  // in bytes; the second is no cache line
          std::fill(std::begin(found), std::end(found), std::byte{7});
          convert(c, src.data(), found + offset, pixels, Stores::kStreaming);
          REQUIRE(std::memcmp(found + offset, expected.data(), expected.size()) == 0);
          if (offset + expected.size() < sizeof found) REQUIRE(found[offset + expected.size()] == std::byte{7});
        }
      }
  });
}

}  // namespace
}  // namespace fastbatch::kernels
