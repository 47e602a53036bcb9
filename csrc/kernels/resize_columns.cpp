// SPDX-License-Identifier: MIT
// The vertical pass on this CPU's vectors: the bytes of two rows side by side, times two weights, summed in 32 bits.
// A weight is split into two 16-bit words; sums are taken modulo 2^32, so the split is exact.
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
// Lanes(d8) bytes at x of the sum of `count` rows.
template <class D8>
HWY_INLINE hn::Vec<D8> SumRows(D8 d8, const std::uint8_t* const* HWY_RESTRICT rows, std::size_t x,
                               const std::int32_t* HWY_RESTRICT weights, std::size_t count) {
  const auto zero = hn::Zero(d8);
  PairSum<D8> sum[4];
  for (std::size_t k = 0; k < count; k += 2) {
    const auto even = hn::LoadU(d8, rows[k] + x);
    const auto odd = hn::LoadU(d8, rows[k + 1 < count ? k + 1 : k] + x);  // the last one's weight may be 0
    const auto lower = hn::InterleaveLower(d8, even, odd);
    const auto upper = hn::InterleaveUpper(d8, even, odd);
    const PairWeight<D8> weight(weights + k);
    sum[0].Add(hn::InterleaveLower(d8, lower, zero), weight);
    sum[1].Add(hn::InterleaveUpper(d8, lower, zero), weight);
    sum[2].Add(hn::InterleaveLower(d8, upper, zero), weight);
    sum[3].Add(hn::InterleaveUpper(d8, upper, zero), weight);
  }
  return ToBytes(d8, sum[0].Rounded(), sum[1].Rounded(), sum[2].Rounded(), sum[3].Rounded());
}

// From byte `first` on as long as a vector fits, the last one overlapping the one before. Returns where it ends.
template <class D8>
HWY_INLINE std::size_t Sums(D8 d8, const Taps& taps, std::size_t i, const std::uint8_t* const* rows,
                            std::uint8_t* HWY_RESTRICT dst, std::size_t n_bytes) {
  const std::size_t lanes = hn::Lanes(d8);
  if (n_bytes < lanes) return 0;
  const std::int32_t* const weights = taps.packed.data() + i * taps.stride;
  const std::size_t count = taps.count[i];
  for (std::size_t x = 0; x + lanes <= n_bytes; x += lanes) {
    hn::StoreU(SumRows(d8, rows, x, weights, count), d8, dst + x);
  }
  if (n_bytes % lanes != 0) {
    const std::size_t x = n_bytes - lanes;
    hn::StoreU(SumRows(d8, rows, x, weights, count), d8, dst + x);
  }
  return n_bytes;
}

void Columns(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst, std::size_t n_bytes) {
  std::size_t done = Sums(hn::ScalableTag<std::uint8_t>(), taps, i, rows, dst, n_bytes);
  if (done == 0) done = Sums(hn::FixedTag<std::uint8_t, 16>(), taps, i, rows, dst, n_bytes);
  resize_columns_scalar(taps, i, rows, dst, done, n_bytes);
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
  if (scalar_only() || taps.layout != WeightLayout::kPairs)
    return resize_columns_scalar(taps, i, rows, dst, 0, n_bytes);
  HWY_DYNAMIC_DISPATCH(Columns)(taps, i, rows, dst, n_bytes);
}

}  // namespace fastbatch::kernels
#endif
