// SPDX-License-Identifier: MIT
// Vectors are words, and the two results of a sample are the bytes of one word. The last vector overlaps the one
// before.
#include "kernels/jpeg_upsample.h"

#include <algorithm>
#include <cstring>

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/jpeg_upsample.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
namespace {

// All return whether they did the work: n may be less than a vector.
#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

using Samples = hn::ScalableTag<std::uint16_t>;
using Sample = hn::Vec<Samples>;

HWY_INLINE Sample Load(const std::uint8_t* p) {
  const Samples d;
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<std::uint8_t, Samples>(), p));
}

HWY_INLINE Sample Triple(Sample v) { return hn::Add(hn::Add(v, v), v); }

HWY_INLINE Sample Number(std::uint16_t value) { return hn::Set(Samples(), value); }

HWY_INLINE void StorePairs(Sample first, Sample second, std::uint8_t* p) {
  const hn::Repartition<std::uint8_t, Samples> d8;
  hn::StoreU(hn::BitCast(d8, hn::Or(first, hn::ShiftLeft<8>(second))), d8, p);
}

// Calls at(i) for the first sample of each vector.
template <class At>
HWY_INLINE bool ForSamples(std::size_t n, const At& at) {
  const std::size_t lanes = hn::Lanes(Samples());
  if (n < lanes) return false;
  for (std::size_t i = 0; i + lanes <= n; i += lanes) at(i);
  if (n % lanes != 0) at(n - lanes);
  return true;
}

bool UpsampleColumns(const std::uint8_t* HWY_RESTRICT src, std::uint8_t* HWY_RESTRICT dst, std::size_t n) {
  return ForSamples(n, [&](std::size_t i) HWY_ATTR {
    const Sample middle = Triple(Load(src + i));
    StorePairs(hn::ShiftRight<2>(hn::Add(hn::Add(middle, Load(src + i - 1)), Number(1))),
               hn::ShiftRight<2>(hn::Add(hn::Add(middle, Load(src + i + 1)), Number(2))), dst + 2 * i);
  });
}

bool UpsampleBoth(const std::uint8_t* HWY_RESTRICT nearer, const std::uint8_t* HWY_RESTRICT farther,
                  std::uint8_t* HWY_RESTRICT dst, std::size_t n) {
  const auto column = [&](std::ptrdiff_t i) HWY_ATTR { return hn::Add(Triple(Load(nearer + i)), Load(farther + i)); };
  return ForSamples(n, [&](std::size_t first) HWY_ATTR {
    const auto i = static_cast<std::ptrdiff_t>(first);  // the sample at -1 is read
    const Sample middle = Triple(column(i));
    StorePairs(hn::ShiftRight<4>(hn::Add(hn::Add(middle, column(i - 1)), Number(8))),
               hn::ShiftRight<4>(hn::Add(hn::Add(middle, column(i + 1)), Number(7))), dst + 2 * i);
  });
}

bool UpsampleRows(const std::uint8_t* HWY_RESTRICT nearer, const std::uint8_t* HWY_RESTRICT farther, std::uint16_t bias,
                  std::uint8_t* HWY_RESTRICT dst, std::size_t n) {
  const hn::Rebind<std::uint8_t, Samples> half8;
  return ForSamples(n, [&](std::size_t i) HWY_ATTR {
    const Sample sum = hn::Add(hn::Add(Triple(Load(nearer + i)), Load(farther + i)), Number(bias));
    const hn::RebindToSigned<Samples> d;  // whose demotion all targets have
    hn::StoreU(hn::DemoteTo(half8, hn::BitCast(d, hn::ShiftRight<2>(sum))), half8, dst + i);
  });
}

bool RepeatTwice(const std::uint8_t* HWY_RESTRICT src, std::uint8_t* HWY_RESTRICT dst, std::size_t n) {
  return ForSamples(n, [&](std::size_t i) HWY_ATTR {
    const Sample sample = Load(src + i);
    StorePairs(sample, sample, dst + 2 * i);
  });
}
#else
bool UpsampleColumns(const std::uint8_t*, std::uint8_t*, std::size_t) { return false; }
bool UpsampleBoth(const std::uint8_t*, const std::uint8_t*, std::uint8_t*, std::size_t) { return false; }
bool UpsampleRows(const std::uint8_t*, const std::uint8_t*, std::uint16_t, std::uint8_t*, std::size_t) { return false; }
bool RepeatTwice(const std::uint8_t*, std::uint8_t*, std::size_t) { return false; }
#endif

}  // namespace
}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(UpsampleColumns);
HWY_EXPORT(UpsampleBoth);
HWY_EXPORT(UpsampleRows);
HWY_EXPORT(RepeatTwice);

void upsample_columns(const std::uint8_t* src, std::uint8_t* dst, std::size_t n) {
  if (!scalar_only() && HWY_DYNAMIC_DISPATCH(UpsampleColumns)(src, dst, n)) return;
  for (std::size_t i = 0; i < n; ++i, ++src) {
    dst[2 * i] = static_cast<std::uint8_t>((3U * src[0] + src[-1] + 1U) >> 2U);
    dst[2 * i + 1] = static_cast<std::uint8_t>((3U * src[0] + src[1] + 2U) >> 2U);
  }
}

void upsample_both(const std::uint8_t* nearer, const std::uint8_t* farther, std::uint8_t* dst, std::size_t n) {
  if (n == 0 || (!scalar_only() && HWY_DYNAMIC_DISPATCH(UpsampleBoth)(nearer, farther, dst, n))) return;
  const auto column = [&](std::ptrdiff_t i) { return 3U * nearer[i] + farther[i]; };
  unsigned left = column(-1);
  unsigned middle = column(0);
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned right = column(static_cast<std::ptrdiff_t>(i) + 1);
    dst[2 * i] = static_cast<std::uint8_t>((3U * middle + left + 8U) >> 4U);
    dst[2 * i + 1] = static_cast<std::uint8_t>((3U * middle + right + 7U) >> 4U);
    left = middle;
    middle = right;
  }
}

void upsample_rows(const std::uint8_t* nearer, const std::uint8_t* farther, bool below, std::uint8_t* dst,
                   std::size_t n) {
  const std::uint16_t bias = below ? 2 : 1;
  if (!scalar_only() && HWY_DYNAMIC_DISPATCH(UpsampleRows)(nearer, farther, bias, dst, n)) return;
  for (std::size_t i = 0; i < n; ++i) {
    dst[i] = static_cast<std::uint8_t>((3U * nearer[i] + farther[i] + bias) >> 2U);
  }
}

void repeat_samples(const std::uint8_t* src, std::size_t factor, std::uint8_t* dst, std::size_t n) {
  if (factor == 2 && !scalar_only() && HWY_DYNAMIC_DISPATCH(RepeatTwice)(src, dst, n)) return;
  for (std::size_t i = 0; i < n; ++i) std::memset(dst + factor * i, src[i], factor);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
