// SPDX-License-Identifier: MIT
// Shared by the vector code of the inverse DCTs: a 128-bit block of a vector holds one row of a JPEG block, and longer
// vectors transform several JPEG blocks at once. The first pass works on columns, lane by lane. The second one needs no
// transpose: each result is the sum of pairs of inputs, which are broadcast, times a row of weights. Threads: any.
// Compiled once per target, hence no ordinary include guard.
#include <hwy/highway.h>

#include "kernels/jpeg_idct.h"
#include "kernels/jpeg_idct_weights.h"
#include "kernels/targets.h"

#if defined(FASTBATCH_JPEG_IDCT_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTBATCH_JPEG_IDCT_VECTOR_INL_H_
#undef FASTBATCH_JPEG_IDCT_VECTOR_INL_H_
#else
#define FASTBATCH_JPEG_IDCT_VECTOR_INL_H_
#endif

#undef FASTBATCH_BLOCKS_TARGET
#define FASTBATCH_BLOCKS_TARGET (FASTBATCH_VECTOR_TARGET && !HWY_HAVE_SCALABLE && HWY_MAX_BYTES >= 16)

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
namespace {
#if FASTBATCH_BLOCKS_TARGET
namespace hn = hwy::HWY_NAMESPACE;

constexpr unsigned kLevelShift = 128;

template <class D16>
constexpr std::size_t kBlocksOf = hn::MaxLanes(D16()) / kDctSide;

template <class D16>
using D32Of = hn::Repartition<std::int32_t, D16>;
template <class D16>
using V32Of = hn::Vec<D32Of<D16>>;

// Row `row` of consecutive JPEG blocks, one in each 128-bit block.
template <class D16>
HWY_INLINE hn::Vec<D16> LoadRow(D16 d, const std::int16_t* p) {
  if constexpr (kBlocksOf<D16> == 1) {
    return hn::LoadU(d, p);
  } else {
    const hn::Half<D16> half;
    return hn::Combine(d, LoadRow(half, p + kBlocksOf<hn::Half<D16>> * kDctBlock), LoadRow(half, p));
  }
}

// sum + the products of each two neighbours.
template <class V16, class V32>
HWY_INLINE V32 AddPairs(V32 sum, V16 a, V16 b) {
  const hn::DFromV<V32> d;
  V32 more = hn::Zero(d);
  const V32 products = hn::ReorderWidenMulAccumulate(d, a, b, hn::Zero(d), more);
  return hn::Add(sum, hn::RearrangeToOddPlusEven(products, more));
}

// Pairs of two rows' words.
template <class V16>
struct Pairs {
  V16 lower;
  V16 upper;
};
template <class D16, class V16 = hn::Vec<D16>>
HWY_INLINE Pairs<V16> PairsOf(D16 d, V16 a, V16 b) {
  return {hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)};
}

constexpr std::int32_t PairOf(std::int32_t low, std::int32_t high) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(low) & 0xFFFFU) |
                                   (static_cast<std::uint32_t>(high) << 16U));
}

// Two weights of one output, in all lanes. They are template arguments: in large units GCC calls a function for each
// instead, and the transform takes several times as long.
template <std::int32_t kLow, std::int32_t kHigh, class D16>
HWY_INLINE hn::Vec<D16> BothWeights(D16 d) {
  return hn::BitCast(d, hn::Set(D32Of<D16>(), PairOf(kLow, kHigh)));
}

// Sums of 32 bits of the lower and the upper four columns.
template <class V32>
struct Sums {
  V32 lower;
  V32 upper;
};

// even + odd and even - odd without their fraction, as words.
template <unsigned kShift, class D16, class V32>
HWY_INLINE void Butterfly(D16 d, const Sums<V32>& even, const Sums<V32>& odd, hn::Vec<D16>& sum,
                          hn::Vec<D16>& difference) {
  sum = hn::ReorderDemote2To(d, hn::ShiftRight<kShift>(hn::Add(even.lower, odd.lower)),
                             hn::ShiftRight<kShift>(hn::Add(even.upper, odd.upper)));
  difference = hn::ReorderDemote2To(d, hn::ShiftRight<kShift>(hn::Sub(even.lower, odd.lower)),
                                    hn::ShiftRight<kShift>(hn::Sub(even.upper, odd.upper)));
}

// The sum of the products of inputs a, b, c, d with their weights of output kJ. Weights of 2^15 have to be halved and
// their input be given twice.
template <std::size_t kSize, std::size_t kJ, std::size_t kA, std::size_t kB, std::size_t kC, std::size_t kD, class D16,
          class V16>
HWY_INLINE Sums<V32Of<D16>> Column(D16 d, V32Of<D16> start, const Pairs<V16>& ab, const Pairs<V16>& cd) {
  using W = IdctWeights<kSize>;
  const auto w0 = BothWeights<W::at(kA, kJ), W::at(kB, kJ)>(d);
  const auto w1 = BothWeights<W::at(kC, kJ), W::at(kD, kJ)>(d);
  return {AddPairs(AddPairs(start, ab.lower, w0), cd.lower, w1), AddPairs(AddPairs(start, ab.upper, w0), cd.upper, w1)};
}

// Dequantised coefficients of a group of JPEG blocks, and the sum of their absolute values.
template <class D16>
class Group {
  using V16 = hn::Vec<D16>;
  using V32 = V32Of<D16>;

 public:
  HWY_INLINE Group(const std::int16_t* coefficients, const std::int16_t* quantizers)
      : coefficients_(coefficients), quantizers_(quantizers), sum_(hn::Zero(D32Of<D16>())) {}

  HWY_INLINE V16 Row(std::size_t row) {
    const D16 d;
    const V16 coefficients = LoadRow(d, coefficients_ + row * kDctSide);
    const V16 quantizers = hn::LoadDup128(d, quantizers_ + row * kDctSide);
    // Saturated, since the absolute value of -32768 has no word.
    const V16 size = hn::Max(coefficients, hn::SaturatedSub(hn::Zero(d), coefficients));
    sum_ = AddPairs(sum_, size, quantizers);
    return hn::Mul(coefficients, quantizers);
  }
  // Whether in each JPEG block the absolute coefficients of all rows that were asked for add up to at most `limit`.
  [[nodiscard]] HWY_INLINE bool SumsUpToAtMost(std::int32_t limit) const {
    const D32Of<D16> d;
    const V32 lanes = hn::Min(sum_, hn::Set(d, 1 << 28));  // four of them do not overflow
    const V32 pairs = hn::Add(lanes, hn::Shuffle2301(lanes));
    return hn::AllTrue(d, hn::Lt(hn::Add(pairs, hn::Shuffle1032(pairs)), hn::Set(d, limit + 1)));
  }

 private:
  const std::int16_t* coefficients_;
  const std::int16_t* quantizers_;
  V32 sum_;
};

// The least and the greatest result before it is clipped. kOn false: nothing.
template <class D32, bool kOn>
class Extremes {
 public:
  HWY_INLINE Extremes() : least_(hn::Zero(D32())), greatest_(hn::Zero(D32())) {}
  HWY_INLINE void Note(hn::Vec<D32> v) {
    if constexpr (kOn) {
      least_ = hn::Min(least_, v);
      greatest_ = hn::Max(greatest_, v);
    }
  }
  // `bits`: of the fraction.
  [[nodiscard]] HWY_INLINE bool InRange(unsigned bits) const {
    const D32 d;
    const auto below = hn::Set(d, -(512 << bits) - 1);
    const auto above = hn::Set(d, 512 << bits);
    return hn::AllTrue(d, hn::And(hn::Gt(least_, below), hn::Lt(greatest_, above)));
  }

 private:
  hn::Vec<D32> least_;
  hn::Vec<D32> greatest_;
};

// ---- second pass ---------------------------------------------------------------------------------------------------

// Fractional bits of its results. To leave a pixel in the upper byte of a word, they are shifted by 8 less: then the
// saturation of words is that of pixels.
template <std::size_t kSize>
constexpr unsigned kPixelBits = IdctWeights<kSize>::kBits + kFirstPassBits + 3;

// Weights of inputs a and b for outputs 0 to 3; kSize 8: without the sign of odd inputs in the other outputs.
template <std::size_t kSize, std::size_t kA, std::size_t kB>
struct RowWeights {
  alignas(16) std::int16_t values[kDctSide];
  static constexpr std::int16_t At(std::size_t k, std::size_t j) {
    const bool mirrored = kSize == 4 && j >= 2;
    const std::int32_t weight = IdctWeights<kSize>::at(k, mirrored ? 3 - j : j);
    return static_cast<std::int16_t>(mirrored && k % 2 == 1 ? -weight : weight);
  }
  constexpr RowWeights() : values() {
    for (std::size_t j = 0; j < 4; ++j) {
      values[2 * j] = At(kA, j);
      values[2 * j + 1] = At(kB, j);
    }
  }
};
template <std::size_t kSize, std::size_t kA, std::size_t kB>
inline constexpr RowWeights<kSize, kA, kB> kRowWeights{};

// The bytes of words a and b, in all lanes of a 128-bit block.
struct Broadcast {
  alignas(16) std::uint8_t bytes[16];
  constexpr Broadcast(std::size_t a, std::size_t b) : bytes() {
    for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(2 * (i % 4 < 2 ? a : b) + i % 2);
  }
};
template <std::size_t kA, std::size_t kB>
inline constexpr Broadcast kBroadcast{kA, kB};

// Inputs a and b, which are words kFirst + a and kFirst + b.
template <std::size_t kSize, std::size_t kA, std::size_t kB, std::size_t kFirst = 0, class D16, class V32>
HWY_INLINE V32 AddBroadcast(D16 d, V32 sum, hn::Vec<D16> row) {
  const hn::Repartition<std::uint8_t, D16> d8;
  const auto words = hn::LoadDup128(d8, kBroadcast<kFirst + kA, kFirst + kB>.bytes);
  const auto pair = hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(d8, row), words));
  return AddPairs(sum, pair, hn::LoadDup128(d, kRowWeights<kSize, kA, kB>.values));
}

// The upper bytes of the words of a and b, in lanes of 16: byte i of the result is byte kOrder[i] of a's and b's words
// in turn. Shifted from [-128, 127] to [0, 255].
template <class D16, class D8 = hn::Repartition<std::uint8_t, D16>>
HWY_INLINE hn::Vec<D8> UpperBytes(D16 d, hn::Vec<D16> a, hn::Vec<D16> b, const std::uint8_t* order) {
  const D8 d8;
  const hn::RebindToUnsigned<D16> unsigned16;
  static_cast<void>(d);
  const auto low = hn::BitCast(d8, hn::ShiftRight<8>(hn::BitCast(unsigned16, a)));
  const auto bytes = hn::Xor(hn::OddEven(hn::BitCast(d8, b), low), hn::Set(d8, std::uint8_t{kLevelShift}));
  return hn::TableLookupBytes(bytes, hn::LoadDup128(d8, order));
}
#endif  // FASTBATCH_BLOCKS_TARGET

}  // namespace
}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
