// SPDX-License-Identifier: MIT
// Shared by the vector code of both resize passes: sums of pixels times weights, rounded to bytes. Threads: any.
// Sums are modulo 2^32, so a weight may be split into digits that are summed separately; the result is exact.
// Compiled once per target, hence no ordinary include guard.
#include <hwy/highway.h>

#include "kernels/resize_scalar.h"
#include "kernels/targets.h"

#if defined(FASTBATCH_RESIZE_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTBATCH_RESIZE_VECTOR_INL_H_
#undef FASTBATCH_RESIZE_VECTOR_INL_H_
#else
#define FASTBATCH_RESIZE_VECTOR_INL_H_
#endif

// Bytes are shuffled within blocks of 16, in vectors of one, two or four blocks.
#undef FASTBATCH_PAIRS_TARGET
#define FASTBATCH_PAIRS_TARGET (FASTBATCH_VECTOR_TARGET && !HWY_HAVE_SCALABLE && HWY_MAX_BYTES >= 16)
#undef FASTBATCH_QUADS_TARGET
#define FASTBATCH_QUADS_TARGET (HWY_ARCH_X86_64 && HWY_TARGET <= HWY_AVX3)

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
namespace {
#if FASTBATCH_PAIRS_TARGET
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kBlock = 16;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);
using Bytes = hn::ScalableTag<std::uint8_t>;

template <class D8>
using Vec32 = hn::Vec<hn::Repartition<std::int32_t, D8>>;

// The constructors are written out: implicitly defined ones would be compiled for the wrong target.

// WeightLayout::kPairs: a lane holds two pixels as 16-bit words.
template <class D8>
class PairSum {
  using D16 = hn::Repartition<std::int16_t, D8>;
  using D32 = hn::Repartition<std::int32_t, D8>;

 public:
  static constexpr std::size_t kTaps = 2;
  // Two consecutive weights in every lane.
  struct Weight {
    HWY_INLINE explicit Weight(const std::int32_t* packed)
        : high(hn::BitCast(D16(), hn::Set(D32(), packed[0]))), low(hn::BitCast(D16(), hn::Set(D32(), packed[1]))) {}
    hn::Vec<D16> high;
    hn::Vec<D16> low;
  };

  HWY_INLINE PairSum() { high0_ = high1_ = low0_ = low1_ = hn::Zero(D32()); }
  HWY_INLINE void Add(hn::Vec<D8> pixels, const Weight& weight) {
    const auto words = hn::BitCast(D16(), pixels);
    high0_ = hn::ReorderWidenMulAccumulate(D32(), words, weight.high, high0_, high1_);
    low0_ = hn::ReorderWidenMulAccumulate(D32(), words, weight.low, low0_, low1_);
  }
  // The sum without its fraction, not yet clipped. Before this, lanes of the two parts of a sum do not correspond to
  // pixels, hence the half is added here.
  [[nodiscard]] HWY_INLINE Vec32<D8> Rounded() const {
    const auto high = hn::ShiftLeft<kPairBits>(hn::RearrangeToOddPlusEven(high0_, high1_));
    const auto low = hn::RearrangeToOddPlusEven(low0_, low1_);
    return hn::ShiftRight<kWeightBits>(hn::Add(hn::Add(high, low), hn::Set(D32(), kHalf)));
  }

 private:
  Vec32<D8> high0_;
  Vec32<D8> high1_;
  Vec32<D8> low0_;
  Vec32<D8> low1_;
};

// One channel, kPairs: the four lanes of a block hold pixels 0 and 1, 0 and 1, 2 and 3, 2 and 3, to be multiplied by
// the high and the low words of two pairs.
template <class D8>
class PairDigits {
  using D16 = hn::Repartition<std::int16_t, D8>;
  using D32 = hn::Repartition<std::int32_t, D8>;

 public:
  static constexpr std::uint8_t kShuffle[kBlock] = {0, 0x80, 1, 0x80, 0, 0x80, 1, 0x80,
                                                    2, 0x80, 3, 0x80, 2, 0x80, 3, 0x80};
  HWY_INLINE PairDigits() { sum0_ = sum1_ = hn::Zero(D32()); }
  HWY_INLINE void Add(hn::Vec<D8> pixels, const std::int32_t* packed) {
    const auto weight = hn::BitCast(D16(), hn::LoadDup128(D32(), packed));
    sum0_ = hn::ReorderWidenMulAccumulate(D32(), hn::BitCast(D16(), pixels), weight, sum0_, sum1_);
  }
  // Lanes whose total is the sum.
  [[nodiscard]] HWY_INLINE Vec32<D8> Lanes() const {
    alignas(kBlock) static constexpr std::int32_t kShift[] = {kPairBits, 0, kPairBits, 0};
    return hn::Shl(hn::RearrangeToOddPlusEven(sum0_, sum1_), hn::LoadDup128(D32(), kShift));
  }

 private:
  Vec32<D8> sum0_;
  Vec32<D8> sum1_;
};

#if FASTBATCH_QUADS_TARGET
// sum + the four products of unsigned and signed bytes in each 32-bit lane. Inline assembly, since Highway's AVX3 does
// not include the instruction; only run if weight_layouts() has detected it.
template <class V8, class V32>
HWY_INLINE V32 AddProducts(V32 sum, V8 pixels, V32 weights) {
  auto raw = sum.raw;
  asm("vpdpbusd %2, %1, %0" : "+v"(raw) : "v"(pixels.raw), "v"(weights.raw));
  return V32{raw};
}

// WeightLayout::kQuads: a lane holds four pixels as bytes.
template <class D8>
class QuadSum {
  using D32 = hn::Repartition<std::int32_t, D8>;

 public:
  static constexpr std::size_t kTaps = 4;
  struct Weight {
    HWY_INLINE explicit Weight(const std::int32_t* packed)
        : low(hn::Set(D32(), packed[0])), middle(hn::Set(D32(), packed[1])), high(hn::Set(D32(), packed[2])) {}
    Vec32<D8> low;
    Vec32<D8> middle;
    Vec32<D8> high;
  };

  HWY_INLINE QuadSum() : low_(hn::Set(D32(), kHalf)), middle_(hn::Zero(D32())), high_(hn::Zero(D32())) {}
  HWY_INLINE void Add(hn::Vec<D8> pixels, const Weight& weight) {
    low_ = AddProducts(low_, pixels, weight.low);
    middle_ = AddProducts(middle_, pixels, weight.middle);
    high_ = AddProducts(high_, pixels, weight.high);
  }
  [[nodiscard]] HWY_INLINE Vec32<D8> Rounded() const {
    const auto upper = hn::Add(middle_, hn::ShiftLeft<kQuadBits>(high_));
    return hn::ShiftRight<kWeightBits>(hn::Add(low_, hn::ShiftLeft<kQuadBits>(upper)));
  }

 private:
  Vec32<D8> low_;
  Vec32<D8> middle_;
  Vec32<D8> high_;
};

// One channel, kQuads: three of the four lanes of a block are multiplied by one digit each of four weights.
template <class D8>
class QuadDigits {
  using D32 = hn::Repartition<std::int32_t, D8>;

 public:
  static constexpr std::uint8_t kShuffle[kBlock] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
  HWY_INLINE QuadDigits() { sum_ = hn::Zero(D32()); }
  HWY_INLINE void Add(hn::Vec<D8> pixels, const std::int32_t* packed) {
    sum_ = AddProducts(sum_, pixels, hn::LoadDup128(D32(), packed));
  }
  [[nodiscard]] HWY_INLINE Vec32<D8> Lanes() const {
    alignas(kBlock) static constexpr std::int32_t kShift[] = {0, kQuadBits, 2 * kQuadBits, 0};
    return hn::Shl(sum_, hn::LoadDup128(D32(), kShift));
  }

 private:
  Vec32<D8> sum_;
};
#endif  // FASTBATCH_QUADS_TARGET

// 16-bit words to bytes with saturation, per block: those of a, then those of b.
template <class V16>
HWY_INLINE auto PackWords(V16 a, V16 b) {
  using D8 = hn::Repartition<std::uint8_t, hn::DFromV<V16>>;
#if HWY_ARCH_X86
  if constexpr (sizeof(a.raw) == 16) return hn::Vec<D8>{_mm_packus_epi16(a.raw, b.raw)};
#if HWY_TARGET <= HWY_AVX2
  if constexpr (sizeof(a.raw) == 32) return hn::Vec<D8>{_mm256_packus_epi16(a.raw, b.raw)};
#endif
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(a.raw) == 64) return hn::Vec<D8>{_mm512_packus_epi16(a.raw, b.raw)};
#endif
#else
  const hn::Half<D8> half;
  return hn::Combine(D8(), hn::DemoteTo(half, b), hn::DemoteTo(half, a));
#endif
}

// Four vectors of 32-bit lanes, clipped to 8 bits, per block.
template <class D8, class V32>
HWY_INLINE hn::Vec<D8> ToBytes(D8 /*d8*/, V32 a, V32 b, V32 c, V32 d) {
  const hn::Repartition<std::int16_t, D8> d16;
  return PackWords(hn::ReorderDemote2To(d16, a, b), hn::ReorderDemote2To(d16, c, d));
}

#endif  // FASTBATCH_PAIRS_TARGET
}  // namespace
}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
