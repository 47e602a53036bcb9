// SPDX-License-Identifier: MIT
// What both resize passes do on vectors. Compiled once for each target, hence no ordinary include guard.
#include <hwy/highway.h>

#include "kernels/resize_scalar.h"
#include "kernels/targets.h"

#if defined(FASTBATCH_RESIZE_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTBATCH_RESIZE_VECTOR_INL_H_
#undef FASTBATCH_RESIZE_VECTOR_INL_H_
#else
#define FASTBATCH_RESIZE_VECTOR_INL_H_
#endif

// The code below moves bytes within blocks of 16, in vectors of one, two or four of them.
#undef FASTBATCH_PAIRS_TARGET
#define FASTBATCH_PAIRS_TARGET (FASTBATCH_VECTOR_TARGET && !HWY_HAVE_SCALABLE && HWY_MAX_BYTES >= 16)

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
namespace {
#if FASTBATCH_PAIRS_TARGET
namespace hn = hwy::HWY_NAMESPACE;

// Two neighbouring weights in every 32-bit lane, as WeightLayout::kPairs has them.
template <class D8>
struct PairWeight {
  using D16 = hn::Repartition<std::int16_t, D8>;
  using D32 = hn::Repartition<std::int32_t, D8>;
  HWY_INLINE explicit PairWeight(const std::int32_t* weights)
      : high(hn::BitCast(D16(), hn::Set(D32(), weights[0]))), low(hn::BitCast(D16(), hn::Set(D32(), weights[1]))) {}
  hn::Vec<D16> high;
  hn::Vec<D16> low;
};

// In every 32-bit lane, a sum of pixels times weights.
template <class D8>
class PairSum {
  using D16 = hn::Repartition<std::int16_t, D8>;
  using D32 = hn::Repartition<std::int32_t, D8>;

 public:
  HWY_INLINE PairSum() {  // written out: an implicit constructor would be compiled for the wrong target
    high_[0] = high_[1] = low_[1] = hn::Zero(D32());
    low_[0] = hn::Set(D32(), 1 << (kWeightBits - 1));
  }
  // Adds two pixels, one in each 16-bit half of a lane.
  HWY_INLINE void Add(hn::Vec<D8> pixels, const PairWeight<D8>& weight) {
    const auto words = hn::BitCast(D16(), pixels);
    high_[0] = hn::ReorderWidenMulAccumulate(D32(), words, weight.high, high_[0], high_[1]);
    low_[0] = hn::ReorderWidenMulAccumulate(D32(), words, weight.low, low_[0], low_[1]);
  }
  // The sum without its fraction, not yet clipped.
  [[nodiscard]] HWY_INLINE hn::Vec<D32> Rounded() const {
    const auto high = hn::ShiftLeft<kPairBits>(hn::RearrangeToOddPlusEven(high_[0], high_[1]));
    return hn::ShiftRight<kWeightBits>(hn::Add(high, hn::RearrangeToOddPlusEven(low_[0], low_[1])));
  }

 private:
  hn::Vec<D32> high_[2];
  hn::Vec<D32> low_[2];
};

// 16-bit words to bytes with saturation, block by block: those of a, then those of b.
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

// The low bytes of four vectors of 32-bit lanes, clipped to 8 bits, block by block.
template <class D8, class V32>
HWY_INLINE hn::Vec<D8> ToBytes(D8 /*d8*/, V32 a, V32 b, V32 c, V32 d) {
  const hn::Repartition<std::int16_t, D8> d16;
  return PackWords(hn::ReorderDemote2To(d16, a, b), hn::ReorderDemote2To(d16, c, d));
}

#endif
}  // namespace
}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
