// SPDX-License-Identifier: MIT
// The horizontal pass on this CPU's vectors. A block of 16 bytes holds one row's pixels, so that as many rows as a
// vector has blocks share the weights; a byte shuffle puts two pixels' channels side by side for each pair of weights.
#include <cstring>

#include "kernels/resize_scalar.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resize_rows.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

#include "kernels/resize_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_PAIRS_TARGET
constexpr std::size_t kBlock = 16;
using Bytes = hn::ScalableTag<std::uint8_t>;
using BytesVec = hn::Vec<Bytes>;
using Block = hn::FixedTag<std::uint8_t, kBlock>;
constexpr std::size_t kRows = HWY_MAX_BYTES / kBlock;  // that go together
constexpr std::size_t kPixels = 4;                     // outputs that go together, one 32-bit lane for a channel each

// The rows that go together; the last one repeats when there are fewer.
struct Source {
  const std::uint8_t* row[kRows];
  std::size_t n_bytes;  // of a row, and no more may be read
};

// 16 bytes from `at` of every row, those past its end as 0.
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

constexpr std::uint8_t kZero = 0x80;  // a shuffle's index that gives 0

// For each of the pairs of pixels in a block: channel c of both into lane c, as 16-bit words.
template <std::size_t kChannels>
struct PairShuffles {
  static constexpr std::size_t kPairs = kChannels == 2 ? 4 : 3;  // the third of 3 channels has only its first pixel
  constexpr PairShuffles() {
    for (std::size_t pair = 0; pair < kPairs; ++pair) {
      for (std::size_t j = 0; j < kBlock; ++j) index[pair * kBlock + j] = kZero;
      for (std::size_t c = 0; c < kChannels; ++c) {
        const std::size_t first = 2 * pair * kChannels + c;
        if (first < kBlock) index[pair * kBlock + 4 * c] = static_cast<std::uint8_t>(first);
        if (first + kChannels < kBlock) {
          index[pair * kBlock + 4 * c + 2] = static_cast<std::uint8_t>(first + kChannels);
        }
      }
    }
  }
  alignas(kBlock) std::uint8_t index[kPairs * kBlock] = {};
};

// Four pixels of four bytes each, without the bytes that are not channels.
template <std::size_t kChannels>
struct Squeeze {
  constexpr Squeeze() {
    for (std::size_t j = 0; j < kBlock; ++j) {
      index[j] = j < kPixels * kChannels ? static_cast<std::uint8_t>(j / kChannels * 4 + j % kChannels) : kZero;
    }
  }
  alignas(kBlock) std::uint8_t index[kBlock] = {};
};

// One output pixel of every row. kPairs: all its pairs of weights are in one block; 0: any number of `pairs`, 2 to a
// block.
template <std::size_t kChannels, std::size_t kPairs, bool kInside>
HWY_INLINE auto Pixel(const Source& source, std::size_t at, const std::int32_t* HWY_RESTRICT weights, std::size_t pairs,
                      const BytesVec* shuffle) {
  PairSum<Bytes> sum;
  if constexpr (kPairs != 0) {
    const auto pixels = LoadBlocks<kInside>(source, at);
    for (std::size_t k = 0; k < kPairs; ++k) {
      sum.Add(hn::TableLookupBytesOr0(pixels, shuffle[k]), PairWeight<Bytes>(weights + 2 * k));
    }
  } else {
    for (std::size_t k = 0; k < pairs; k += 2) {
      const auto pixels = LoadBlocks<kInside>(source, at + 2 * k * kChannels);
      sum.Add(hn::TableLookupBytesOr0(pixels, shuffle[0]), PairWeight<Bytes>(weights + 2 * k));
      if (k + 1 == pairs) break;
      sum.Add(hn::TableLookupBytesOr0(pixels, shuffle[1]), PairWeight<Bytes>(weights + 2 * k + 2));
    }
  }
  return sum.Rounded();
}

template <std::size_t kChannels, std::size_t kPairs>
HWY_INLINE void Pixels(const Taps& taps, const Source& source, std::uint8_t* const* dst) {
  static constexpr PairShuffles<kChannels> kShuffles;
  static constexpr Squeeze<kChannels> kSqueeze;
  const Bytes bytes;
  BytesVec shuffle[3];
  for (std::size_t k = 0; k < 3; ++k) shuffle[k] = hn::LoadDup128(bytes, kShuffles.index + k * kBlock);
  const auto squeeze = hn::LoadDup128(bytes, kSqueeze.index);

  const std::size_t n = taps.start.size();
  const std::size_t pairs = (taps.most + 1) / 2;
  const std::size_t blocks = kPairs != 0 ? 1 : (pairs + 1) / 2;
  const std::size_t reach = (blocks - 1) * 4 * kChannels + kBlock;  // bytes read from a pixel's start on
  for (std::size_t i = 0; i < n; i += kPixels) {
    hn::Vec<hn::Repartition<std::int32_t, Bytes>> sum[kPixels];
    const std::size_t last = std::min(i + kPixels, n) - 1;
    const bool inside = taps.start[last] * kChannels + reach <= source.n_bytes;
    for (std::size_t j = 0; j < kPixels; ++j) {
      const std::size_t output = std::min(i + j, last);
      const std::size_t at = taps.start[output] * kChannels;
      const std::int32_t* const weights = taps.packed.data() + output * taps.stride;
      sum[j] = inside ? Pixel<kChannels, kPairs, true>(source, at, weights, pairs, shuffle)
                      : Pixel<kChannels, kPairs, false>(source, at, weights, pairs, shuffle);
    }
    const auto pixels = ToBytes(bytes, sum[0], sum[1], sum[2], sum[3]);
    StoreBlocks(hn::TableLookupBytesOr0(pixels, squeeze), dst, i * kChannels,
                i + kBlock / kChannels + 1 <= n ? kBlock : (last + 1 - i) * kChannels);
  }
}

template <std::size_t kChannels>
HWY_NOINLINE void AnyPairs(const Taps& taps, const Source& source, std::uint8_t* const* dst) {
  if (taps.most <= 2) return Pixels<kChannels, 1>(taps, source, dst);
  if (taps.most <= 4) return Pixels<kChannels, 2>(taps, source, dst);
  if constexpr (kChannels < 4) {
    if (taps.most == 5) return Pixels<kChannels, 3>(taps, source, dst);
  }
  return Pixels<kChannels, 0>(taps, source, dst);
}

void Rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t pixels,
          std::uint8_t* const* dst, std::size_t n_rows) {
  for (std::size_t first = 0; first < n_rows; first += kRows) {
    Source source{};
    source.n_bytes = pixels * channels;
    std::uint8_t* target[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      source.row[r] = src[std::min(first + r, n_rows - 1)];
      target[r] = dst[std::min(first + r, n_rows - 1)];
    }
    switch (channels) {
      case 1: AnyPairs<1>(taps, source, target); break;
      case 2: AnyPairs<2>(taps, source, target); break;
      case 3: AnyPairs<3>(taps, source, target); break;
      default: AnyPairs<4>(taps, source, target); break;
    }
  }
}

WeightLayout Layout() { return WeightLayout::kPairs; }
#else
void Rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t /*pixels*/,
          std::uint8_t* const* dst, std::size_t n_rows) {
  resize_rows_scalar(taps, channels, src, dst, n_rows);
}

WeightLayout Layout() { return WeightLayout::kPlain; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(Rows);
HWY_EXPORT(Layout);

WeightLayout weight_layout() { return scalar_only() ? WeightLayout::kPlain : HWY_DYNAMIC_DISPATCH(Layout)(); }

void resize_rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t pixels,
                 std::uint8_t* const* dst, std::size_t n_rows) {
  if (scalar_only() || taps.layout != WeightLayout::kPairs) {
    return resize_rows_scalar(taps, channels, src, dst, n_rows);
  }
  HWY_DYNAMIC_DISPATCH(Rows)(taps, channels, src, pixels, dst, n_rows);
}

}  // namespace fastbatch::kernels
#endif
