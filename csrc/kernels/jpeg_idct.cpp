// SPDX-License-Identifier: MIT
// Picks the cheapest transform of each group of JPEG blocks: filled, with few coefficients, or with all of them.
#include "kernels/jpeg_idct.h"

#include <algorithm>
#include <cstring>

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/jpeg_idct.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

#include "kernels/jpeg_idct_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
namespace {

#if FASTBATCH_BLOCKS_TARGET
constexpr std::int32_t kFewZigzag = 9;         // up to here, coefficients lie in rows and columns 0 to 3
constexpr std::int32_t kFirstPassSafe = 5900;  // a coefficient contributes at most 5.55 times its value to a word

// ---- 8 x 8 ---------------------------------------------------------------------------------------------------------

// One row of pixels: words whose upper bytes are pixels 0 to 3 and 7 to 4, less 128. kFew: columns 4 to 7 are 0, and
// columns 0 to 3 are words kFirst to kFirst + 3.
template <bool kFew, std::size_t kFirst, class D16, class Noted>
HWY_INLINE hn::Vec<D16> PixelRow(D16 d, hn::Vec<D16> row, Noted& noted) {
  const D32Of<D16> d32;
  auto even = hn::Set(d32, 1 << (kPixelBits<8> - 1));
  auto odd = hn::Zero(d32);
  if constexpr (kFew) {
    even = AddBroadcast<8, 0, 2, kFirst>(d, even, row);
    odd = AddBroadcast<8, 1, 3, kFirst>(d, odd, row);
  } else {
    even = AddBroadcast<8, 2, 6>(d, AddBroadcast<8, 0, 4>(d, even, row), row);
    odd = AddBroadcast<8, 5, 7>(d, AddBroadcast<8, 1, 3>(d, odd, row), row);
  }
  const auto first = hn::Add(even, odd);
  const auto last = hn::Sub(even, odd);
  noted.Note(first);
  noted.Note(last);
  return hn::ReorderDemote2To(d, hn::ShiftRight<kPixelBits<8> - 8>(first), hn::ShiftRight<kPixelBits<8> - 8>(last));
}

// Stores two rows of pixels of each JPEG block.
template <class D16>
HWY_INLINE void StoreRows(D16 d, hn::Vec<D16> a, hn::Vec<D16> b, std::uint8_t* dst, std::ptrdiff_t stride) {
  const hn::Repartition<std::uint8_t, D16> d8;
  const hn::Half<decltype(d8)> half;
  alignas(16) static constexpr std::uint8_t kOrder[16] = {0, 2, 4, 6, 14, 12, 10, 8, 1, 3, 5, 7, 15, 13, 11, 9};
  auto rows = UpperBytes(d, a, b, kOrder);
  if constexpr (kBlocksOf<D16> > 1) {  // all JPEG blocks' row a, then all JPEG blocks' row b
    const hn::Repartition<std::uint64_t, D16> d64;
    alignas(64) static constexpr std::uint64_t kTwo[4] = {0, 2, 1, 3};
    alignas(64) static constexpr std::uint64_t kFour[8] = {0, 2, 4, 6, 1, 3, 5, 7};
    const std::uint64_t* const order = kBlocksOf<D16> == 2 ? kTwo : kFour;
    rows = hn::BitCast(d8, hn::TableLookupLanes(hn::BitCast(d64, rows), hn::SetTableIndices(d64, order)));
  }
  hn::StoreU(hn::LowerHalf(half, rows), half, dst);
  hn::StoreU(hn::UpperHalf(half, rows), half, dst + stride);
}

// Rows kJ and 7 - kJ after the first pass: their lower four columns, from inputs 0 to 3; and all columns.
template <std::size_t kJ, class D16>
HWY_INLINE hn::Vec<D16> FewRows(D16 d, V32Of<D16> half, hn::Vec<D16> pair02, hn::Vec<D16> pair13) {
  using W = IdctWeights<8>;
  const auto even = AddPairs(half, pair02, BothWeights<W::at(0, kJ), W::at(2, kJ)>(d));
  const auto odd = AddPairs(hn::Zero(D32Of<D16>()), pair13, BothWeights<W::at(1, kJ), W::at(3, kJ)>(d));
  return hn::ReorderDemote2To(d, hn::ShiftRight<W::kBits - kFirstPassBits>(hn::Add(even, odd)),
                              hn::ShiftRight<W::kBits - kFirstPassBits>(hn::Sub(even, odd)));
}
template <std::size_t kJ, class D16, class V16 = hn::Vec<D16>>
HWY_INLINE void TwoRows(D16 d, V32Of<D16> half, const Pairs<V16>& pair04, const Pairs<V16>& pair26,
                        const Pairs<V16>& pair13, const Pairs<V16>& pair57, V16& upper, V16& lower) {
  Butterfly<IdctWeights<8>::kBits - kFirstPassBits>(
      d, Column<8, kJ, 0, 4, 2, 6>(d, half, pair04, pair26),
      Column<8, kJ, 1, 3, 5, 7>(d, hn::Zero(D32Of<D16>()), pair13, pair57), upper, lower);
}

// JPEG blocks whose coefficients lie in rows and columns 0 to 3. Returns false if they may be out of range.
template <class D16>
HWY_INLINE bool TransformFew(const std::int16_t* coefficients, const std::int16_t* quantizers, std::uint8_t* dst,
                             std::ptrdiff_t stride) {
  const D16 d;
  const D32Of<D16> d32;
  constexpr unsigned kShift = IdctWeights<8>::kBits - kFirstPassBits;
  Group<D16> group(coefficients, quantizers);
  const auto in0 = group.Row(0);
  const auto in1 = group.Row(1);
  const auto in2 = group.Row(2);
  const auto in3 = group.Row(3);
  if (!group.SumsUpToAtMost(kSurelyInRange)) return false;
  // The lower four columns of every row: rows j and 7 - j share a vector.
  const auto pair02 = hn::InterleaveLower(d, in0, in2);
  const auto pair13 = hn::InterleaveLower(d, in1, in3);
  const auto half = hn::Set(d32, 1 << (kShift - 1));
  const auto rows07 = FewRows<0>(d, half, pair02, pair13);
  const auto rows16 = FewRows<1>(d, half, pair02, pair13);
  const auto rows25 = FewRows<2>(d, half, pair02, pair13);
  const auto rows34 = FewRows<3>(d, half, pair02, pair13);
  Extremes<D32Of<D16>, false> none;
  StoreRows(d, PixelRow<true, 0>(d, rows07, none), PixelRow<true, 0>(d, rows16, none), dst, stride);
  StoreRows(d, PixelRow<true, 0>(d, rows25, none), PixelRow<true, 0>(d, rows34, none), dst + 2 * stride, stride);
  StoreRows(d, PixelRow<true, 4>(d, rows34, none), PixelRow<true, 4>(d, rows25, none), dst + 4 * stride, stride);
  StoreRows(d, PixelRow<true, 4>(d, rows16, none), PixelRow<true, 4>(d, rows07, none), dst + 6 * stride, stride);
  return true;
}

// kChecked: compares the results with the range, instead of giving up when the coefficients are large.
template <class D16, bool kChecked>
HWY_INLINE bool TransformAll(const std::int16_t* coefficients, const std::int16_t* quantizers, std::uint8_t* dst,
                             std::ptrdiff_t stride) {
  const D16 d;
  const D32Of<D16> d32;
  constexpr unsigned kShift = IdctWeights<8>::kBits - kFirstPassBits;
  Group<D16> group(coefficients, quantizers);
  const auto in0 = group.Row(0);
  const auto in4 = group.Row(4);
  const auto pair04 = PairsOf(d, in0, in4);
  const auto in2 = group.Row(2);
  const auto in6 = group.Row(6);
  const auto pair26 = PairsOf(d, in2, in6);
  const auto in1 = group.Row(1);
  const auto in3 = group.Row(3);
  const auto pair13 = PairsOf(d, in1, in3);
  const auto in5 = group.Row(5);
  const auto in7 = group.Row(7);
  const auto pair57 = PairsOf(d, in5, in7);
  if (!group.SumsUpToAtMost(kChecked ? kFirstPassSafe : kSurelyInRange)) return false;
  const auto half = hn::Set(d32, 1 << (kShift - 1));
  hn::Vec<D16> row0, row1, row2, row3, row4, row5, row6, row7;
  TwoRows<0>(d, half, pair04, pair26, pair13, pair57, row0, row7);
  TwoRows<1>(d, half, pair04, pair26, pair13, pair57, row1, row6);
  TwoRows<2>(d, half, pair04, pair26, pair13, pair57, row2, row5);
  TwoRows<3>(d, half, pair04, pair26, pair13, pair57, row3, row4);
  Extremes<D32Of<D16>, kChecked> noted;
  StoreRows(d, PixelRow<false, 0>(d, row0, noted), PixelRow<false, 0>(d, row1, noted), dst, stride);
  StoreRows(d, PixelRow<false, 0>(d, row2, noted), PixelRow<false, 0>(d, row3, noted), dst + 2 * stride, stride);
  StoreRows(d, PixelRow<false, 0>(d, row4, noted), PixelRow<false, 0>(d, row5, noted), dst + 4 * stride, stride);
  StoreRows(d, PixelRow<false, 0>(d, row6, noted), PixelRow<false, 0>(d, row7, noted), dst + 6 * stride, stride);
  return !kChecked || noted.InRange(kPixelBits<8>);
}

// ---- 4 x 4 and 2 x 2 -----------------------------------------------------------------------------------------------

template <class D16>
HWY_INLINE hn::Vec<D16> FourPixels(D16 d, hn::Vec<D16> upper, hn::Vec<D16> lower) {
  const D32Of<D16> d32;
  const auto pixels = [&](hn::Vec<D16> row) HWY_ATTR {
    auto sum = hn::Set(d32, 1 << (kPixelBits<4> - 1));
    sum = AddBroadcast<4, 2, 3>(d, AddBroadcast<4, 0, 1>(d, sum, row), row);
    return hn::ShiftRight<kPixelBits<4> - 8>(AddBroadcast<4, 6, 7>(d, AddBroadcast<4, 4, 5>(d, sum, row), row));
  };
  return hn::ReorderDemote2To(d, pixels(upper), pixels(lower));
}

template <class D16>
HWY_INLINE bool TransformToFour(const std::int16_t* coefficients, const std::int16_t* quantizers, std::uint8_t* dst,
                                std::ptrdiff_t stride) {
  const D16 d;
  const D32Of<D16> d32;
  constexpr unsigned kShift = IdctWeights<4>::kBits - kFirstPassBits;
  Group<D16> group(coefficients, quantizers);
  const auto in0 = group.Row(0);
  const auto in2 = group.Row(2);
  const auto pair02 = PairsOf(d, in0, in2);
  const auto pair64 = PairsOf(d, group.Row(6), hn::Zero(d));
  const auto in1 = group.Row(1);
  const auto in3 = group.Row(3);
  const auto pair13 = PairsOf(d, in1, in3);
  const auto in5 = group.Row(5);
  const auto in7 = group.Row(7);
  const auto pair57 = PairsOf(d, in5, in7);
  if (!group.SumsUpToAtMost(kSurelyInRange)) return false;
  const auto half = hn::Set(d32, 1 << (kShift - 1));
  hn::Vec<D16> row0, row1, row2, row3;
  Butterfly<kShift>(d, Column<4, 0, 0, 2, 6, 4>(d, half, pair02, pair64),
                    Column<4, 0, 1, 3, 5, 7>(d, hn::Zero(d32), pair13, pair57), row0, row3);
  Butterfly<kShift>(d, Column<4, 1, 0, 2, 6, 4>(d, half, pair02, pair64),
                    Column<4, 1, 1, 3, 5, 7>(d, hn::Zero(d32), pair13, pair57), row1, row2);
  alignas(16) static constexpr std::uint8_t kOrder[16] = {0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15};
  const auto pixels = UpperBytes(d, FourPixels(d, row0, row1), FourPixels(d, row2, row3), kOrder);
  const hn::Repartition<std::uint8_t, D16> d8;
  alignas(64) std::uint8_t bytes[hn::MaxLanes(d8)];
  hn::Store(pixels, d8, bytes);
  for (std::size_t b = 0; b < kBlocksOf<D16>; ++b) {
    for (std::size_t row = 0; row < 4; ++row) {
      std::memcpy(dst + static_cast<std::ptrdiff_t>(row) * stride + 4 * b, bytes + 16 * b + 4 * row, 4);
    }
  }
  return true;
}

// Inputs 2 p and 2 p + 1: the lanes of a 128-bit block are outputs 0, 0, 1, 1 of two rows in turn.
template <std::size_t kPair>
struct OddWeights {
  alignas(16) std::int16_t values[kDctSide];
  constexpr OddWeights() : values() {
    constexpr auto kWeight = static_cast<std::int16_t>(IdctWeights<2>::at(2 * kPair + 1, 0));
    values[1] = values[3] = kWeight;
    values[5] = values[7] = -kWeight;
  }
};
template <std::size_t kPair>
inline constexpr OddWeights<kPair> kOddWeights{};

template <class D16>
HWY_INLINE bool TransformToTwo(const std::int16_t* coefficients, const std::int16_t* quantizers, std::uint8_t* dst,
                               std::ptrdiff_t stride) {
  const D16 d;
  const D32Of<D16> d32;
  const hn::Repartition<std::int64_t, D16> d64;
  const hn::Repartition<std::uint8_t, D16> d8;
  constexpr unsigned kShift = IdctWeights<2>::kBits - kFirstPassBits;
  Group<D16> group(coefficients, quantizers);
  const auto in0 = group.Row(0);
  const auto pair00 = PairsOf(d, in0, in0);
  const auto in1 = group.Row(1);
  const auto in3 = group.Row(3);
  const auto pair13 = PairsOf(d, in1, in3);
  const auto in5 = group.Row(5);
  const auto in7 = group.Row(7);
  const auto pair57 = PairsOf(d, in5, in7);
  if (!group.SumsUpToAtMost(kSurelyInRange)) return false;
  const auto half = hn::Set(d32, 1 << (kShift - 1));
  constexpr std::int32_t kHalved = IdctWeights<2>::at(0, 0) / 2;  // 2^15 is no word
  const auto weights = BothWeights<kHalved, kHalved>(d);
  const Sums<V32Of<D16>> even{AddPairs(half, pair00.lower, weights), AddPairs(half, pair00.upper, weights)};
  hn::Vec<D16> row0, row1;
  Butterfly<kShift>(d, even, Column<2, 0, 1, 3, 5, 7>(d, hn::Zero(d32), pair13, pair57), row0, row1);

  const auto low = hn::BitCast(d64, hn::InterleaveLower(d32, hn::BitCast(d32, row0), hn::BitCast(d32, row1)));
  const auto high = hn::BitCast(d64, hn::InterleaveUpper(d32, hn::BitCast(d32, row0), hn::BitCast(d32, row1)));
  const auto pair0 = hn::BitCast(d, hn::InterleaveLower(d64, low, low));
  auto sum = hn::Add(hn::Set(d32, 1 << (kPixelBits<2> - 1)),
                     hn::ShiftRight<1>(hn::ShiftLeft<16>(hn::BitCast(d32, pair0))));  // input 0 times 2^15
  sum = AddPairs(sum, pair0, hn::LoadDup128(d, kOddWeights<0>.values));
  sum = AddPairs(sum, hn::BitCast(d, hn::InterleaveUpper(d64, low, low)), hn::LoadDup128(d, kOddWeights<1>.values));
  sum = AddPairs(sum, hn::BitCast(d, hn::InterleaveLower(d64, high, high)), hn::LoadDup128(d, kOddWeights<2>.values));
  sum = AddPairs(sum, hn::BitCast(d, hn::InterleaveUpper(d64, high, high)), hn::LoadDup128(d, kOddWeights<3>.values));
  const auto shifted = hn::ShiftRight<kPixelBits<2> - 8>(sum);
  const auto words = hn::ReorderDemote2To(d, shifted, shifted);
  alignas(16) static constexpr std::uint8_t kOrder[16] = {0, 4, 2, 6};
  alignas(64) std::uint8_t bytes[hn::MaxLanes(d8)];
  hn::Store(UpperBytes(d, words, words, kOrder), d8, bytes);
  for (std::size_t b = 0; b < kBlocksOf<D16>; ++b) {
    std::memcpy(dst + 2 * b, bytes + 16 * b, 2);
    std::memcpy(dst + stride + static_cast<std::ptrdiff_t>(2 * b), bytes + 16 * b + 2, 2);
  }
  return true;
}

// ---- a row of JPEG blocks ------------------------------------------------------------------------------------------

template <unsigned kSize>
HWY_INLINE bool FillBlock(std::int32_t first, std::uint8_t* dst, std::ptrdiff_t stride) {
  const std::int32_t value = (first + 4) >> 3;
  const auto pixel = static_cast<std::uint8_t>(std::clamp(value + static_cast<std::int32_t>(kLevelShift), 0, 255));
  for (unsigned row = 0; row < kSize; ++row) std::memset(dst + static_cast<std::ptrdiff_t>(row) * stride, pixel, kSize);
  return value >= -512 && value <= 511;
}

template <unsigned kSize, class D16>
HWY_INLINE bool TransformGroup(std::int32_t last, const std::int16_t* coefficients, const std::int16_t* quantizers,
                               std::uint8_t* dst, std::ptrdiff_t stride) {
  if constexpr (kSize == 8) {
    if (last <= kFewZigzag && TransformFew<D16>(coefficients, quantizers, dst, stride)) return true;
    return TransformAll<D16, false>(coefficients, quantizers, dst, stride) ||
           TransformAll<D16, true>(coefficients, quantizers, dst, stride);
  } else if constexpr (kSize == 4) {
    return TransformToFour<D16>(coefficients, quantizers, dst, stride);
  } else {
    return TransformToTwo<D16>(coefficients, quantizers, dst, stride);
  }
}

template <unsigned kSize, class D16>
HWY_ATTR bool TransformRow(const std::int16_t* coefficients, const std::uint8_t* last, std::size_t n,
                           const std::int16_t* quantizers, std::uint8_t* dst, std::ptrdiff_t stride) {
  constexpr std::size_t kBlocks = kBlocksOf<D16>;
  bool in_range = true;
  std::size_t b = 0;
  for (; b + kBlocks <= n; b += kBlocks) {
    const std::int16_t* const group = coefficients + b * kDctBlock;
    std::uint8_t* const target = dst + b * kSize;
    std::int32_t most = 0;
    for (std::size_t i = 0; i < kBlocks; ++i) most = std::max<std::int32_t>(most, last[b + i]);
    if (most == 0) {
      for (std::size_t i = 0; i < kBlocks; ++i) {
        in_range &= FillBlock<kSize>(group[i * kDctBlock] * quantizers[0], target + i * kSize, stride);
      }
    } else if (!TransformGroup<kSize, D16>(most, group, quantizers, target, stride)) {
      in_range &= inverse_dct_blocks(kSize, group, kBlocks, quantizers, target, stride);
    }
  }
  if constexpr (kBlocks > 1) {
    if (b < n) {
      in_range &= TransformRow<kSize, hn::Half<D16>>(coefficients + b * kDctBlock, last + b, n - b, quantizers,
                                                     dst + b * kSize, stride);
    }
  }
  return in_range;
}

bool InverseDct(unsigned size, const std::int16_t* coefficients, const std::uint8_t* last, std::size_t n,
                const std::int16_t* quantizers, std::uint8_t* dst, std::ptrdiff_t stride) {
  using D16 = hn::ScalableTag<std::int16_t>;
  switch (size) {
    case 8: return TransformRow<8, D16>(coefficients, last, n, quantizers, dst, stride);
    case 4: return TransformRow<4, D16>(coefficients, last, n, quantizers, dst, stride);
    default: return TransformRow<2, D16>(coefficients, last, n, quantizers, dst, stride);
  }
}
#else
bool InverseDct(unsigned size, const std::int16_t* coefficients, const std::uint8_t*, std::size_t n,
                const std::int16_t* quantizers, std::uint8_t* dst, std::ptrdiff_t stride) {
  return inverse_dct_blocks(size, coefficients, n, quantizers, dst, stride);
}
#endif  // FASTBATCH_BLOCKS_TARGET

}  // namespace
}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(InverseDct);

bool inverse_dct(unsigned size, const std::int16_t* coefficients, const std::uint8_t* last, std::size_t n,
                 const std::int16_t* quantizers, std::uint8_t* dst, std::ptrdiff_t stride) {
  if (size == 1 || scalar_only()) return inverse_dct_blocks(size, coefficients, n, quantizers, dst, stride);
  return HWY_DYNAMIC_DISPATCH(InverseDct)(size, coefficients, last, n, quantizers, dst, stride);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
