// SPDX-License-Identifier: MIT
// The horizontal pass with vectors. A block of 16 bytes holds the pixels of one row, so that as many rows as a vector
// has blocks share the weights. A byte shuffle moves the pixels of a channel to the lane that sums them.
#include <cstring>

#include "kernels/resize_scalar.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resize_rows.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

#include "kernels/resize_vector-inl.h"
#if HWY_ARCH_X86_64
#include <cpuid.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_PAIRS_TARGET
using BytesVec = hn::Vec<Bytes>;
using Block = hn::FixedTag<std::uint8_t, kBlock>;
constexpr std::size_t kRows = HWY_MAX_BYTES / kBlock;  // rows processed together

// The rows processed together; if there are fewer, the last one is repeated.
struct Source {
  const std::uint8_t* row[kRows];
  std::size_t n_bytes;  // readable bytes per row
};

// 16 bytes from `at` of every row; bytes after its end are 0.
template <bool kInside>
HWY_INLINE hn::Vec<Block> LoadBlock(const Source& source, std::size_t r, std::size_t at) {
  if constexpr (kInside) return hn::LoadU(Block(), source.row[r] + at);
  HWY_ALIGN std::uint8_t bytes[kBlock] = {};
  if (at < source.n_bytes) std::memcpy(bytes, source.row[r] + at, std::min(kBlock, source.n_bytes - at));
  return hn::Load(Block(), bytes);
}

template <bool kInside>
HWY_INLINE BytesVec LoadBlocks(const Source& source, std::size_t at) {
  if constexpr (kRows == 1) {
    return LoadBlock<kInside>(source, 0, at);
  } else {
    const hn::CappedTag<std::uint8_t, 2 * kBlock> two;
    const auto lower = hn::Combine(two, LoadBlock<kInside>(source, 1, at), LoadBlock<kInside>(source, 0, at));
    if constexpr (kRows == 2) {
      return lower;
    } else {
      const auto upper = hn::Combine(two, LoadBlock<kInside>(source, 3, at), LoadBlock<kInside>(source, 2, at));
      return hn::Combine(Bytes(), upper, lower);
    }
  }
}

template <class V>
HWY_INLINE void StoreBlocks(V blocks, std::uint8_t* const* dst, std::size_t at, std::size_t n_bytes) {
  HWY_ALIGN std::uint8_t bytes[HWY_MAX_BYTES];
  if (n_bytes >= kBlock) {
    if constexpr (kRows == 1) {
      hn::StoreU(blocks, Block(), dst[0] + at);
    } else {
      const hn::Half<Bytes> half;
      const auto lower = hn::LowerHalf(half, blocks);
      const auto upper = hn::UpperHalf(half, blocks);
      if constexpr (kRows == 2) {
        hn::StoreU(lower, Block(), dst[0] + at);
        hn::StoreU(upper, Block(), dst[1] + at);
      } else {
        hn::StoreU(hn::LowerHalf(Block(), lower), Block(), dst[0] + at);
        hn::StoreU(hn::UpperHalf(Block(), lower), Block(), dst[1] + at);
        hn::StoreU(hn::LowerHalf(Block(), upper), Block(), dst[2] + at);
        hn::StoreU(hn::UpperHalf(Block(), upper), Block(), dst[3] + at);
      }
    }
    return;
  }
  hn::Store(blocks, Bytes(), bytes);
  for (std::size_t r = 0; r < kRows; ++r) std::memcpy(dst[r] + at, bytes + r * kBlock, n_bytes);
}

constexpr std::uint8_t kZero = 0x80;  // shuffle index that gives 0

// For each kTaps pixels of a block: moves channel c of all of them to lane c, as bytes or 16-bit words.
template <std::size_t kChannels, std::size_t kTaps>
struct Spread {
  static constexpr std::size_t kSteps = (5 + kTaps - 1) / kTaps;  // up to 5 pixels: a block of 3 channels
  constexpr Spread() {
    for (std::size_t j = 0; j < kSteps * kBlock; ++j) index[j] = kZero;
    for (std::size_t step = 0; step < kSteps; ++step) {
      for (std::size_t j = 0; j < kTaps * kChannels; ++j) {
        const std::size_t from = step * kTaps * kChannels + j;
        const std::size_t to = step * kBlock + j % kChannels * 4 + j / kChannels * (4 / kTaps);
        if (from < kBlock) index[to] = static_cast<std::uint8_t>(from);
      }
    }
  }
  alignas(kBlock) std::uint8_t index[kSteps * kBlock] = {};
};

// Packs four pixels of four bytes each, without the unused bytes.
template <std::size_t kChannels>
struct Squeeze {
  constexpr Squeeze() {
    for (std::size_t j = 0; j < kBlock; ++j) {
      index[j] = j < 4 * kChannels ? static_cast<std::uint8_t>(j / kChannels * 4 + j % kChannels) : kZero;
    }
  }
  alignas(kBlock) std::uint8_t index[kBlock] = {};
};

// One output pixel of every row, one channel per lane. kMost: maximum number of weights, up to 5; 0: any number.
template <class Sum, std::size_t kChannels, std::size_t kMost, bool kInside>
HWY_INLINE auto Pixel(const Source& source, std::size_t at, const std::int32_t* HWY_RESTRICT weights, std::size_t most,
                      const BytesVec* spread) {
  using Weight = typename Sum::Weight;
  Sum sum;
  if constexpr (kMost != 0) {
    const auto pixels = LoadBlocks<kInside>(source, at);
    for (std::size_t k = 0; k < kMost; k += Sum::kTaps) {
      sum.Add(hn::TableLookupBytesOr0(pixels, spread[k / Sum::kTaps]), Weight(weights + k));
    }
  } else {
    for (std::size_t first = 0; first < most; first += 4) {
      const auto pixels = LoadBlocks<kInside>(source, at + first * kChannels);
      for (std::size_t k = 0; k < 4; k += Sum::kTaps) {
        if (k != 0 && first + k >= most) break;
        sum.Add(hn::TableLookupBytesOr0(pixels, spread[k / Sum::kTaps]), Weight(weights + first + k));
      }
    }
  }
  return sum.Rounded();
}

// The fields of Taps that the loops read, as locals: the compiler must assume that stores to the target change Taps.
struct Weights {
  explicit Weights(const Taps& taps)
      : start(taps.start.data()), packed(taps.packed.data()), stride(taps.stride), most(taps.most) {}
  const std::uint32_t* start;
  const std::int32_t* packed;
  std::size_t stride;
  std::size_t most;
};

// Outputs i to last, at most four (exactly four if kInside), of 2 to 4 channels.
template <class Sum, std::size_t kChannels, std::size_t kMost, bool kInside>
HWY_INLINE BytesVec FourPixels(const Weights& weights, const Source& source, std::size_t i, std::size_t last,
                               const BytesVec* spread) {
  const auto pixel = [&](std::size_t output) HWY_ATTR {
    if constexpr (!kInside) output = std::min(output, last);
    return Pixel<Sum, kChannels, kMost, kInside>(source, weights.start[output] * kChannels,
                                                 weights.packed + output * weights.stride, weights.most, spread);
  };
  const auto sum0 = pixel(i);
  const auto sum1 = pixel(i + 1);
  const auto sum2 = pixel(i + 2);
  const auto sum3 = pixel(i + 3);
  return ToBytes(Bytes(), sum0, sum1, sum2, sum3);
}

template <class Sum, std::size_t kChannels, std::size_t kMost>
HWY_NOINLINE void Pixels(const Taps& taps, const Source& all, std::uint8_t* const* targets) {
  const Weights weights(taps);
  const Source source = all;
  std::uint8_t* dst[kRows];
  for (std::size_t r = 0; r < kRows; ++r) dst[r] = targets[r];
  using Spreads = Spread<kChannels, Sum::kTaps>;
  static constexpr Spreads kSpread;
  static constexpr Squeeze<kChannels> kSqueeze;
  BytesVec spread[Spreads::kSteps];
  for (std::size_t k = 0; k < Spreads::kSteps; ++k) spread[k] = hn::LoadDup128(Bytes(), kSpread.index + k * kBlock);
  const auto squeeze = hn::LoadDup128(Bytes(), kSqueeze.index);

  const std::size_t n = taps.start.size();
  const std::size_t reach = (kMost != 0 ? 0 : (taps.most - 1) / 4 * 4 * kChannels) + kBlock;  // bytes read from a start
  std::size_t i = 0;
  // While sources and targets have room for whole blocks; the next pixels overwrite the excess bytes.
  for (; (n - i) * kChannels >= std::max(kBlock, 4 * kChannels) &&
         weights.start[i + 3] * kChannels + reach <= source.n_bytes;
       i += 4) {
    const auto pixels = FourPixels<Sum, kChannels, kMost, true>(weights, source, i, i + 3, spread);
    StoreBlocks(hn::TableLookupBytesOr0(pixels, squeeze), dst, i * kChannels, kBlock);
  }
  for (; i < n; i += 4) {
    const std::size_t last = std::min(i + 4, n) - 1;
    const auto pixels = FourPixels<Sum, kChannels, kMost, false>(weights, source, i, last, spread);
    StoreBlocks(hn::TableLookupBytesOr0(pixels, squeeze), dst, i * kChannels, (last + 1 - i) * kChannels);
  }
}

// The sums of the lanes of a, b, c and d within each block.
template <class V32>
HWY_INLINE V32 AddLanes(V32 a, V32 b, V32 c, V32 d) {
  const hn::Repartition<std::int32_t, Bytes> d32;
  const hn::Repartition<std::int64_t, Bytes> d64;
  const auto ab = hn::BitCast(d64, hn::Add(hn::InterleaveLower(d32, a, b), hn::InterleaveUpper(d32, a, b)));
  const auto cd = hn::BitCast(d64, hn::Add(hn::InterleaveLower(d32, c, d), hn::InterleaveUpper(d32, c, d)));
  return hn::Add(hn::BitCast(d32, hn::InterleaveLower(d64, ab, cd)),
                 hn::BitCast(d32, hn::InterleaveUpper(d64, ab, cd)));
}

// One output of every row, in lanes still to be summed. kMost: maximum number of weights, a multiple of 4; 0: any.
template <class Digits, std::size_t kMost, bool kInside>
HWY_INLINE auto Gray(const Source& source, std::size_t at, const std::int32_t* HWY_RESTRICT weights, std::size_t most,
                     const BytesVec* spread) {
  Digits sum;
  for (std::size_t first = 0; first < (kMost != 0 ? kMost : most); first += 8) {
    const auto pixels = LoadBlocks<kInside>(source, at + first);
    sum.Add(hn::TableLookupBytesOr0(pixels, spread[0]), weights + first);
    if (first + 4 >= (kMost != 0 ? kMost : most)) break;
    sum.Add(hn::TableLookupBytesOr0(pixels, spread[1]), weights + first + 4);
  }
  return sum.Lanes();
}

// Outputs i to last, at most four.
template <class Digits, std::size_t kMost, bool kInside>
HWY_INLINE auto FourGrays(const Weights& weights, const Source& source, std::size_t i, std::size_t last,
                          const BytesVec* spread) {
  const auto gray = [&](std::size_t output) HWY_ATTR {
    if constexpr (!kInside) output = std::min(output, last);
    return Gray<Digits, kMost, kInside>(source, weights.start[output], weights.packed + output * weights.stride,
                                        weights.most, spread);
  };
  const auto lanes0 = gray(i);
  const auto lanes1 = gray(i + 1);
  const auto lanes2 = gray(i + 2);
  const auto lanes3 = gray(i + 3);
  const auto sums = AddLanes(lanes0, lanes1, lanes2, lanes3);
  return hn::ShiftRight<kWeightBits>(hn::Add(sums, hn::Set(hn::Repartition<std::int32_t, Bytes>(), kHalf)));
}

template <class Digits, std::size_t kMost, bool kInside>
HWY_INLINE BytesVec SixteenGrays(const Weights& weights, const Source& source, std::size_t i, std::size_t last,
                                 const BytesVec* spread) {
  const auto sum0 = FourGrays<Digits, kMost, kInside>(weights, source, i, last, spread);
  const auto sum1 = FourGrays<Digits, kMost, kInside>(weights, source, i + 4, last, spread);
  const auto sum2 = FourGrays<Digits, kMost, kInside>(weights, source, i + 8, last, spread);
  const auto sum3 = FourGrays<Digits, kMost, kInside>(weights, source, i + 12, last, spread);
  return ToBytes(Bytes(), sum0, sum1, sum2, sum3);
}

template <class Digits, std::size_t kMost>
HWY_NOINLINE void Grays(const Taps& taps, const Source& all, std::uint8_t* const* targets) {
  const Weights weights(taps);
  const Source source = all;
  std::uint8_t* dst[kRows];
  for (std::size_t r = 0; r < kRows; ++r) dst[r] = targets[r];
  BytesVec spread[2];
  spread[0] = hn::LoadDup128(Bytes(), Digits::kShuffle);
  // The same, four pixels later; an index that gives 0 keeps its top bit.
  spread[1] = hn::Add(spread[0], hn::Set(Bytes(), std::uint8_t{4}));

  const std::size_t n = taps.start.size();
  const std::size_t reach = (kMost != 0 ? 0 : (taps.most - 1) / 8 * 8) + kBlock;
  std::size_t i = 0;
  for (; i + kBlock <= n && weights.start[i + kBlock - 1] + reach <= source.n_bytes; i += kBlock) {
    StoreBlocks(SixteenGrays<Digits, kMost, true>(weights, source, i, i + kBlock - 1, spread), dst, i, kBlock);
  }
  for (; i < n; i += kBlock) {
    const std::size_t last = std::min(i + kBlock, n) - 1;
    StoreBlocks(SixteenGrays<Digits, kMost, false>(weights, source, i, last, spread), dst, i, last + 1 - i);
  }
}

template <class Sum, std::size_t kChannels>
HWY_INLINE void PixelsBySize(const Taps& taps, const Source& source, std::uint8_t* const* dst) {
  if (taps.most > 5 || (taps.most == 5 && kChannels == 4)) {
    return Pixels<Sum, kChannels, 0>(taps, source, dst);
  }
  if (taps.most <= 2) return Pixels<Sum, kChannels, 2>(taps, source, dst);
  if (taps.most <= 4) return Pixels<Sum, kChannels, 4>(taps, source, dst);
  Pixels<Sum, kChannels, kChannels == 4 ? 4 : 5>(taps, source, dst);
}

template <class Sum, class Digits>
HWY_INLINE void RowsBy(const Taps& taps, std::size_t channels, const Source& source, std::uint8_t* const* dst) {
  switch (channels) {
    case 1:
      if (taps.most <= 4) return Grays<Digits, 4>(taps, source, dst);
      if (taps.most <= 8) return Grays<Digits, 8>(taps, source, dst);
      return Grays<Digits, 0>(taps, source, dst);
    case 2: return PixelsBySize<Sum, 2>(taps, source, dst);
    case 3: return PixelsBySize<Sum, 3>(taps, source, dst);
    default: return PixelsBySize<Sum, 4>(taps, source, dst);
  }
}

void Rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t pixels,
          std::uint8_t* const* dst, std::size_t n_rows) {
  const bool quads = FASTBATCH_QUADS_TARGET && taps.layout == WeightLayout::kQuads;
  if (taps.most == 0 || (taps.layout != WeightLayout::kPairs && !quads)) {
    return resize_rows_scalar(taps, channels, src, dst, n_rows);
  }
  for (std::size_t first = 0; first < n_rows; first += kRows) {
    Source source{};
    source.n_bytes = pixels * channels;
    std::uint8_t* target[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      source.row[r] = src[std::min(first + r, n_rows - 1)];
      target[r] = dst[std::min(first + r, n_rows - 1)];
    }
#if FASTBATCH_QUADS_TARGET
    if (quads) {
      RowsBy<QuadSum<Bytes>, QuadDigits<Bytes>>(taps, channels, source, target);
      continue;
    }
#endif
    RowsBy<PairSum<Bytes>, PairDigits<Bytes>>(taps, channels, source, target);
  }
}
#else
void Rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t /*pixels*/,
          std::uint8_t* const* dst, std::size_t n_rows) {
  resize_rows_scalar(taps, channels, src, dst, n_rows);
}

#endif

std::vector<WeightLayout> Layouts() {
  std::vector<WeightLayout> layouts = {WeightLayout::kPlain};
#if FASTBATCH_PAIRS_TARGET
  layouts.insert(layouts.begin(), WeightLayout::kPairs);
#endif
#if FASTBATCH_QUADS_TARGET
  // VNNI, which only some CPUs with AVX-512 have. (clang-cl links no library for __builtin_cpu_supports().)
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx >> 11U & 1U) != 0) {
    layouts.insert(layouts.begin(), WeightLayout::kQuads);
  }
#endif
  return layouts;
}

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(Rows);
HWY_EXPORT(Layouts);

std::vector<WeightLayout> weight_layouts() {
  return scalar_only() ? std::vector{WeightLayout::kPlain} : HWY_DYNAMIC_DISPATCH(Layouts)();
}

void resize_rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t pixels,
                 std::uint8_t* const* dst, std::size_t n_rows) {
  if (scalar_only()) return resize_rows_scalar(taps, channels, src, dst, n_rows);
  HWY_DYNAMIC_DISPATCH(Rows)(taps, channels, src, pixels, dst, n_rows);
}

}  // namespace fastbatch::kernels
#endif
