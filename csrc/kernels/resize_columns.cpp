// SPDX-License-Identifier: MIT
// The vertical pass with vectors: interleaved bytes of two or four rows, times as many weights.
#include "kernels/resize_scalar.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resize_columns.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

#include "kernels/resize_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_PAIRS_TARGET
// Interleaves the bytes of neighbouring rows in 32-bit lanes: 16 columns of a block in four groups of four.
template <class D8>
HWY_INLINE void AddRows(D8 d8, PairSum<D8>* sum, const std::uint8_t* const* HWY_RESTRICT rows, std::size_t rest,
                        std::size_t x, const std::int32_t* weights) {
  const auto zero = hn::Zero(d8);
  const auto even = hn::LoadU(d8, rows[0] + x);
  const auto odd = hn::LoadU(d8, rows[rest > 1 ? 1 : 0] + x);  // past the last row the weight is 0
  const auto lower = hn::InterleaveLower(d8, even, odd);
  const auto upper = hn::InterleaveUpper(d8, even, odd);
  const typename PairSum<D8>::Weight weight(weights);
  sum[0].Add(hn::InterleaveLower(d8, lower, zero), weight);
  sum[1].Add(hn::InterleaveUpper(d8, lower, zero), weight);
  sum[2].Add(hn::InterleaveLower(d8, upper, zero), weight);
  sum[3].Add(hn::InterleaveUpper(d8, upper, zero), weight);
}

#if FASTBATCH_QUADS_TARGET
template <class D8>
HWY_INLINE void AddRows(D8 d8, QuadSum<D8>* sum, const std::uint8_t* const* HWY_RESTRICT rows, std::size_t rest,
                        std::size_t x, const std::int32_t* weights) {
  const hn::Repartition<std::uint16_t, D8> d16;
  const auto row0 = hn::LoadU(d8, rows[0] + x);
  const auto row1 = hn::LoadU(d8, rows[rest > 1 ? 1 : 0] + x);
  const auto row2 = hn::LoadU(d8, rows[rest > 2 ? 2 : 0] + x);
  const auto row3 = hn::LoadU(d8, rows[rest > 3 ? 3 : 0] + x);
  const auto lower01 = hn::BitCast(d16, hn::InterleaveLower(d8, row0, row1));
  const auto upper01 = hn::BitCast(d16, hn::InterleaveUpper(d8, row0, row1));
  const auto lower23 = hn::BitCast(d16, hn::InterleaveLower(d8, row2, row3));
  const auto upper23 = hn::BitCast(d16, hn::InterleaveUpper(d8, row2, row3));
  const typename QuadSum<D8>::Weight weight(weights);
  sum[0].Add(hn::BitCast(d8, hn::InterleaveLower(d16, lower01, lower23)), weight);
  sum[1].Add(hn::BitCast(d8, hn::InterleaveUpper(d16, lower01, lower23)), weight);
  sum[2].Add(hn::BitCast(d8, hn::InterleaveLower(d16, upper01, upper23)), weight);
  sum[3].Add(hn::BitCast(d8, hn::InterleaveUpper(d16, upper01, upper23)), weight);
}
#endif

// The Lanes(d8) bytes at x of the weighted sum of `count` rows.
template <class Sum, class D8>
HWY_INLINE hn::Vec<D8> SumRows(D8 d8, const std::uint8_t* const* HWY_RESTRICT rows, std::size_t x,
                               const std::int32_t* HWY_RESTRICT weights, std::size_t count) {
  Sum sum[4];
  for (std::size_t k = 0; k < count; k += Sum::kTaps) AddRows(d8, sum, rows + k, count - k, x, weights + k);
  return ToBytes(d8, sum[0].Rounded(), sum[1].Rounded(), sum[2].Rounded(), sum[3].Rounded());
}

// Computes a row by vectors, the last one overlapping; returns the bytes done: 0 if the row is shorter than a vector.
template <class Sum, class D8>
HWY_INLINE std::size_t SumVectors(D8 d8, const Taps& taps, std::size_t i, const std::uint8_t* const* rows,
                                  std::uint8_t* HWY_RESTRICT dst, std::size_t n_bytes) {
  const std::size_t lanes = hn::Lanes(d8);
  if (n_bytes < lanes) return 0;
  const std::int32_t* const weights = taps.packed.data() + i * taps.stride;
  const std::size_t count = taps.count[i];
  for (std::size_t x = 0; x + lanes <= n_bytes; x += lanes) {
    hn::StoreU(SumRows<Sum>(d8, rows, x, weights, count), d8, dst + x);
  }
  if (n_bytes % lanes != 0) {
    const std::size_t x = n_bytes - lanes;
    hn::StoreU(SumRows<Sum>(d8, rows, x, weights, count), d8, dst + x);
  }
  return n_bytes;
}

template <template <class> class Sum>
HWY_INLINE void ColumnsBy(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                          std::size_t n_bytes) {
  using Small = hn::FixedTag<std::uint8_t, kBlock>;
  std::size_t done = SumVectors<Sum<Bytes>>(Bytes(), taps, i, rows, dst, n_bytes);
  if (done == 0) done = SumVectors<Sum<Small>>(Small(), taps, i, rows, dst, n_bytes);
  resize_columns_scalar(taps, i, rows, dst, done, n_bytes);
}

void Columns(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst, std::size_t n_bytes) {
  if (taps.layout == WeightLayout::kPairs) return ColumnsBy<PairSum>(taps, i, rows, dst, n_bytes);
#if FASTBATCH_QUADS_TARGET
  if (taps.layout == WeightLayout::kQuads) return ColumnsBy<QuadSum>(taps, i, rows, dst, n_bytes);
#endif
  resize_columns_scalar(taps, i, rows, dst, 0, n_bytes);
}
#else
void Columns(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst, std::size_t n_bytes) {
  resize_columns_scalar(taps, i, rows, dst, 0, n_bytes);
}
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(Columns);

void resize_columns(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                    std::size_t n_bytes) {
  if (scalar_only()) return resize_columns_scalar(taps, i, rows, dst, 0, n_bytes);
  HWY_DYNAMIC_DISPATCH(Columns)(taps, i, rows, dst, n_bytes);
}

}  // namespace fastbatch::kernels
#endif
