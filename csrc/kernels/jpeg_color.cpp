// SPDX-License-Identifier: MIT
// libjpeg's tables hold products with 16 fractional bits, rounded to integers (for red and blue) or summed up first
// (for green). In words: red and blue as rounded products with 15 fractional bits, which gives the same for all 256
// inputs; green as a sum of 32 bits. The last vector overlaps the one before.
#include "kernels/jpeg_color.h"

#include <algorithm>

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/jpeg_color.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
namespace {

// Both return whether they did the work: n may be less than a vector.
#if FASTBATCH_VECTOR_TARGET && !HWY_HAVE_SCALABLE && HWY_MAX_BYTES >= 16
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::ScalableTag<std::uint8_t>;
using Words = hn::Repartition<std::int16_t, Bytes>;
using Word = hn::Vec<Words>;

constexpr std::int16_t kRedFraction = 13175;   // 0.402: the product is 1.402 with the value itself
constexpr std::int16_t kBlueFraction = -7471;  // -0.228: 1.772 with twice the value
constexpr std::int16_t kGreenOfBlue = -11277;  // -0.344
constexpr std::int16_t kGreenOfRed = 9367;     // 0.286: -0.714 with the value subtracted
constexpr unsigned kGreenBits = 15;

HWY_INLINE Word Const(std::int16_t value) { return hn::Set(Words(), value); }

// A vector of bytes as two vectors of words.
struct Parts {
  Word even;
  Word odd;
};
HWY_INLINE Parts Split(hn::Vec<Bytes> bytes) {
  const hn::Repartition<std::uint16_t, Bytes> unsigned16;
  const auto words = hn::BitCast(unsigned16, bytes);
  return {hn::BitCast(Words(), hn::And(words, hn::Set(unsigned16, 0xFF))),
          hn::BitCast(Words(), hn::ShiftRight<8>(words))};
}
HWY_INLINE Word Clip(Word v) { return hn::Min(hn::Max(v, Const(0)), Const(255)); }
HWY_INLINE hn::Vec<Bytes> Join(Word even, Word odd) {
  return hn::BitCast(Bytes(), hn::Or(Clip(even), hn::ShiftLeft<8>(Clip(odd))));
}

// What is added to the luma.
HWY_INLINE Word RedOf(Word red) { return hn::Add(red, hn::MulFixedPoint15(red, Const(kRedFraction))); }
HWY_INLINE Word BlueOf(Word blue) {
  return hn::Add(hn::Add(blue, blue), hn::MulFixedPoint15(blue, Const(kBlueFraction)));
}
HWY_INLINE Word GreenOf(Word blue, Word red) {
  const Words d;
  const hn::Repartition<std::int32_t, Bytes> d32;
  const auto weights =
      hn::BitCast(d, hn::Set(d32, static_cast<std::int32_t>(static_cast<std::uint16_t>(kGreenOfBlue) |
                                                            static_cast<std::uint32_t>(kGreenOfRed) << 16U)));
  const auto sum = [&](Word pairs) HWY_ATTR {
    auto more = hn::Zero(d32);
    const auto products = hn::ReorderWidenMulAccumulate(d32, pairs, weights, hn::Zero(d32), more);
    const auto total = hn::Add(hn::RearrangeToOddPlusEven(products, more), hn::Set(d32, 1 << (kGreenBits - 1)));
    return hn::ShiftRight<kGreenBits>(total);
  };
  const Word scaled =
      hn::ReorderDemote2To(d, sum(hn::InterleaveLower(d, blue, red)), sum(hn::InterleaveUpper(d, blue, red)));
  return hn::Sub(scaled, red);
}

template <std::size_t kChannels>
HWY_INLINE void StorePixels(hn::Vec<Bytes> r, hn::Vec<Bytes> g, hn::Vec<Bytes> b, std::uint8_t* dst) {
  const Bytes d;
  if constexpr (kChannels == 3) {
    hn::StoreInterleaved3(r, g, b, d, dst);
  } else {
    hn::StoreInterleaved4(r, g, b, hn::Set(d, std::uint8_t{255}), d, dst);
  }
}

template <std::size_t kChannels>
HWY_INLINE void Convert(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red,
                        std::uint8_t* dst) {
  const Bytes d;
  const Parts y = Split(hn::LoadU(d, luma));
  Parts cb = Split(hn::LoadU(d, blue));
  Parts cr = Split(hn::LoadU(d, red));
  const Word half = Const(128);
  cb = {hn::Sub(cb.even, half), hn::Sub(cb.odd, half)};
  cr = {hn::Sub(cr.even, half), hn::Sub(cr.odd, half)};
  StorePixels<kChannels>(Join(hn::Add(y.even, RedOf(cr.even)), hn::Add(y.odd, RedOf(cr.odd))),
                         Join(hn::Add(y.even, GreenOf(cb.even, cr.even)), hn::Add(y.odd, GreenOf(cb.odd, cr.odd))),
                         Join(hn::Add(y.even, BlueOf(cb.even)), hn::Add(y.odd, BlueOf(cb.odd))), dst);
}

// Calls at(i) for the first sample of each vector.
template <class At>
HWY_INLINE bool ForVectors(std::size_t n, const At& at) {
  const std::size_t lanes = hn::Lanes(Bytes());
  if (n < lanes) return false;
  for (std::size_t i = 0; i + lanes <= n; i += lanes) at(i);
  if (n % lanes != 0) at(n - lanes);
  return true;
}

bool YccToRgb(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red, std::size_t channels,
              std::uint8_t* HWY_RESTRICT dst, std::size_t n) {
  if (channels == 3) {
    return ForVectors(n, [&](std::size_t i) HWY_ATTR { Convert<3>(luma + i, blue + i, red + i, dst + 3 * i); });
  }
  return ForVectors(n, [&](std::size_t i) HWY_ATTR { Convert<4>(luma + i, blue + i, red + i, dst + 4 * i); });
}

bool JoinColors(const std::uint8_t* first, const std::uint8_t* second, const std::uint8_t* third, std::size_t channels,
                std::uint8_t* HWY_RESTRICT dst, std::size_t n) {
  const Bytes d;
  if (channels == 3) {
    return ForVectors(n, [&](std::size_t i) HWY_ATTR {
      StorePixels<3>(hn::LoadU(d, first + i), hn::LoadU(d, second + i), hn::LoadU(d, third + i), dst + 3 * i);
    });
  }
  return ForVectors(n, [&](std::size_t i) HWY_ATTR {
    StorePixels<4>(hn::LoadU(d, first + i), hn::LoadU(d, second + i), hn::LoadU(d, third + i), dst + 4 * i);
  });
}
#else
bool YccToRgb(const std::uint8_t*, const std::uint8_t*, const std::uint8_t*, std::size_t, std::uint8_t*, std::size_t) {
  return false;
}
bool JoinColors(const std::uint8_t*, const std::uint8_t*, const std::uint8_t*, std::size_t, std::uint8_t*,
                std::size_t) {
  return false;
}
#endif

}  // namespace
}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(YccToRgb);
HWY_EXPORT(JoinColors);

namespace {

std::uint8_t clipped(int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); }

}  // namespace

void ycc_to_rgb(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red, std::size_t channels,
                std::uint8_t* dst, std::size_t n) {
  if (!scalar_only() && HWY_DYNAMIC_DISPATCH(YccToRgb)(luma, blue, red, channels, dst, n)) return;
  constexpr int kHalf = 1 << 15;
  for (std::size_t i = 0; i < n; ++i, dst += channels) {
    const int cb = blue[i] - 128;
    const int cr = red[i] - 128;
    dst[0] = clipped(luma[i] + ((91881 * cr + kHalf) >> 16));
    dst[1] = clipped(luma[i] + ((-22554 * cb - 46802 * cr + kHalf) >> 16));
    dst[2] = clipped(luma[i] + ((116130 * cb + kHalf) >> 16));
    if (channels == 4) dst[3] = 255;
  }
}

void join_planes(const std::uint8_t* first, const std::uint8_t* second, const std::uint8_t* third, std::size_t channels,
                 std::uint8_t* dst, std::size_t n) {
  if (!scalar_only() && HWY_DYNAMIC_DISPATCH(JoinColors)(first, second, third, channels, dst, n)) return;
  for (std::size_t i = 0; i < n; ++i, dst += channels) {
    dst[0] = first[i];
    dst[1] = second[i];
    dst[2] = third[i];
    if (channels == 4) dst[3] = 255;
  }
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
