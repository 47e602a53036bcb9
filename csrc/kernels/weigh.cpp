// SPDX-License-Identifier: MIT
// Eight rows lie side by side, so that one load has the same element of all of them.
#include "kernels/weigh.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/weigh.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_VECTOR_TARGET && HWY_HAVE_FLOAT64
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kRows = kWeighedRows;
using D16 = hn::CappedTag<std::uint16_t, kRows>;

// Eight vectors of eight elements each, transposed in place.
HWY_INLINE void Transpose(hn::Vec<D16> (&v)[kRows]) {
  const D16 d;
  const hn::Repartition<std::uint32_t, D16> d32;
  const hn::Repartition<std::uint64_t, D16> d64;
  hn::Vec<D16> a[kRows];
  for (std::size_t i = 0; i < 4; ++i) {  // pairs of rows, four columns each
    a[i] = hn::InterleaveLower(d, v[2 * i], v[2 * i + 1]);
    a[i + 4] = hn::InterleaveUpper(d, v[2 * i], v[2 * i + 1]);
  }
  hn::Vec<decltype(d32)> b[kRows];
  for (std::size_t i = 0; i < 4; ++i) {  // four rows, two columns each
    const auto even = hn::BitCast(d32, a[2 * i]);
    const auto odd = hn::BitCast(d32, a[2 * i + 1]);
    b[2 * i] = hn::InterleaveLower(d32, even, odd);
    b[2 * i + 1] = hn::InterleaveUpper(d32, even, odd);
  }
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto top = hn::BitCast(d64, b[4 * half + i]);
      const auto bottom = hn::BitCast(d64, b[4 * half + i + 2]);
      v[4 * half + 2 * i] = hn::BitCast(d, hn::InterleaveLower(d64, top, bottom));
      v[4 * half + 2 * i + 1] = hn::BitCast(d, hn::InterleaveUpper(d64, top, bottom));
    }
  }
}

HWY_ATTR void SideBySide(const std::uint16_t* const* rows, std::size_t n, std::uint16_t* block) {
  const D16 d;
  hn::Vec<D16> v[kRows];
  std::size_t x = 0;
  for (; x + kRows <= n; x += kRows) {
    for (std::size_t r = 0; r < kRows; ++r) v[r] = hn::LoadU(d, rows[r] + x);
    Transpose(v);
    for (std::size_t i = 0; i < kRows; ++i) hn::StoreU(v[i], d, block + (x + i) * kRows);
  }
  for (; x < n; ++x) {
    for (std::size_t r = 0; r < kRows; ++r) block[x * kRows + r] = rows[r][x];
  }
}

HWY_ATTR bool WeighRows(const RowTaps& taps, std::size_t begin, const std::uint16_t* const* rows, std::size_t n,
                        std::uint16_t* block, std::uint16_t* const* outputs) {
  const hn::CappedTag<double, kRows> d;
  const hn::Rebind<std::int32_t, decltype(d)> d32;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const std::size_t lanes = hn::Lanes(d);
  const auto most = hn::Set(d, 65535.0);
  const auto half = hn::Set(d, 0.5);
  SideBySide(rows, n, block);
  std::uint16_t made[kRows];
  for (std::size_t i = 0; i < taps.start.size(); ++i) {
    const double* const weights = taps.weights + i * taps.most;
    const std::uint16_t* const first = block + (taps.start[i] - begin) * taps.channels * kRows;
    for (std::size_t c = 0; c < taps.channels; ++c) {
      for (std::size_t r = 0; r < kRows; r += lanes) {
        auto sum = hn::Zero(d);
        for (std::size_t k = 0; k < taps.count[i]; ++k) {
          const auto numbers = hn::LoadU(d16, first + (k * taps.channels + c) * kRows + r);
          const auto wide = hn::PromoteTo(d, hn::PromoteTo(d32, numbers));
          sum = hn::Add(sum, hn::Mul(wide, hn::Set(d, weights[k])));
        }
        // Half away from zero is half up: what is negative becomes 0.
        const auto rounded = hn::Min(hn::Max(hn::Add(sum, half), hn::Zero(d)), most);
        hn::StoreU(hn::DemoteTo(d16, hn::DemoteTo(d32, rounded)), d16, made + r);
      }
      for (std::size_t r = 0; r < kRows; ++r) outputs[r][i * taps.channels + c] = made[r];
    }
  }
  return true;
}
#else
bool WeighRows(const RowTaps&, std::size_t, const std::uint16_t* const*, std::size_t, std::uint16_t*,
               std::uint16_t* const*) {
  return false;
}
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(WeighRows);

bool weigh_rows(const RowTaps& taps, std::size_t begin, const std::uint16_t* const rows[kWeighedRows], std::size_t n,
                std::uint16_t* block, std::uint16_t* const outputs[kWeighedRows]) {
  return !scalar_only() && HWY_DYNAMIC_DISPATCH(WeighRows)(taps, begin, rows, n, block, outputs);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
