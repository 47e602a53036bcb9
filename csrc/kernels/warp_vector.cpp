// SPDX-License-Identifier: MIT
// The blocks of a warp on this CPU's vectors: places several at a time in float64, pixels one at a time with their
// channels side by side.
#include "kernels/targets.h"
#include "kernels/warp_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/warp_vector.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Double = hn::Vec<Doubles>;
using Quad = hn::FixedTag<float, 4>;  // a pixel of up to 4 channels

HWY_INLINE Double Clamp(Double at, Double last) {
  const Doubles d;
  at = hn::IfThenElseZero(hn::Gt(at, hn::Zero(d)), at);
  return hn::IfThenElse(hn::Lt(at, last), at, last);
}

HWY_INLINE Double Reflect(Double at, Double last) {
  const Doubles d;
  const Double n = hn::Add(last, hn::Set(d, 1.0));
  const Double period = hn::Add(n, n);
  const auto before = hn::Lt(at, hn::Zero(d));
  const Double periods = hn::Mul(period, hn::Trunc(hn::Div(hn::IfThenElse(before, hn::Neg(at), at), period)));
  const Double low = hn::IfThenElse(hn::Lt(at, hn::Neg(period)), hn::Add(periods, at), at);
  const Double high = hn::Sub(at, periods);
  const Double from_low =
      hn::IfThenElse(hn::Lt(low, hn::Neg(n)), hn::Add(low, period), hn::Sub(hn::Neg(low), hn::Set(d, 1.0)));
  const Double from_high = hn::IfThenElse(hn::Ge(high, n), hn::Sub(hn::Sub(period, high), hn::Set(d, 1.0)), high);
  return hn::IfThenElse(before, from_low, from_high);
}

HWY_INLINE Double Wrap(Double at, Double last) {
  const Doubles d;
  const auto before = hn::Lt(at, hn::Zero(d));
  const Double periods = hn::Trunc(hn::Div(hn::IfThenElse(before, hn::Neg(at), at), last));
  return hn::IfThenElse(before, hn::Add(at, hn::Mul(last, hn::Add(periods, hn::Set(d, 1.0)))),
                        hn::Sub(at, hn::Mul(last, periods)));
}

HWY_INLINE Double Fold(Double at, Double last, Fill fill) {
  const Doubles d;
  if (fill == Fill::kNearest) return Clamp(at, last);
  const auto inside = hn::And(hn::Ge(at, hn::Zero(d)), hn::Le(at, last));
  const auto tame = hn::And(hn::Lt(hn::Abs(at), hn::Set(d, kWildCoordinate)), hn::Gt(last, hn::Zero(d)));
  const Double folded = fill == Fill::kReflect ? Reflect(at, last) : Wrap(at, last);
  return hn::IfThenElseZero(tame, hn::IfThenElse(inside, at, folded));
}

struct Place {
  Double lower;
  Double upper;
  Double fraction;
};

HWY_INLINE Place Locate1(const WarpLine::Axis& axis, Double column, const WarpLine& line) {
  const Doubles d;
  const Double last = hn::Set(d, axis.last);
  Double at =
      hn::Add(hn::Add(hn::Set(d, axis.row_term), hn::Mul(column, hn::Set(d, axis.step))), hn::Set(d, axis.offset));
  if (!line.inside) at = Fold(at, last, line.fill);
  const Double whole = hn::Floor(line.order == 0 ? hn::Add(at, hn::Set(d, 0.5)) : at);
  return {Clamp(whole, last), Clamp(hn::Add(whole, hn::Set(d, 1.0)), last), hn::Sub(at, whole)};
}

void Locate(const WarpLine& line, const WarpColumns& columns, WarpBlock& block) {
  const Doubles d;
  const hn::Rebind<std::int32_t, Doubles> d32;
  const hn::Rebind<float, Doubles> df;
  const std::size_t lanes = hn::Lanes(d);
  const Double row_stride = hn::Set(d, line.row_stride);
  const Double channels = hn::Set(d, line.channels);
  const Double step = hn::Set(d, columns.step);
  const Double first = hn::Set(d, columns.first);
  std::size_t i = 0;
  for (; i + lanes <= columns.n; i += lanes) {
    const Double number = hn::Add(hn::Iota(d, 0), hn::Set(d, static_cast<double>(i)));
    const Double column = hn::Add(first, hn::Mul(step, number));
    const Place y = Locate1(line.y, column, line);
    const Place x = Locate1(line.x, column, line);
    const Double start = hn::Add(hn::Mul(y.lower, row_stride), hn::Mul(x.lower, channels));
    hn::StoreU(hn::DemoteTo(d32, start), d32, block.start + i);
    if (line.order == 0) continue;
    hn::StoreU(hn::DemoteTo(d32, hn::Mul(hn::Sub(x.upper, x.lower), channels)), d32, block.right + i);
    hn::StoreU(hn::DemoteTo(d32, hn::Mul(hn::Sub(y.upper, y.lower), row_stride)), d32, block.below + i);
    hn::StoreU(hn::DemoteTo(df, x.fraction), df, block.fraction_x + i);
    hn::StoreU(hn::DemoteTo(df, y.fraction), df, block.fraction_y + i);
  }
  locate_scalar(line, columns, i, block);
}

HWY_INLINE hn::Vec<Quad> LoadPixel(const float* src) { return hn::LoadU(Quad(), src); }

HWY_INLINE hn::Vec<Quad> LoadPixel(const std::uint8_t* src) {
  const hn::Rebind<std::int32_t, Quad> d32;
  return hn::ConvertTo(Quad(), hn::PromoteTo(d32, hn::LoadU(hn::Rebind<std::uint8_t, Quad>(), src)));
}

// Four elements are read and written for every pixel: too many by one where there are three channels. So the last
// pixel of a block is left to the plain path, and so are those whose last neighbour ends src.
template <std::size_t kChannels, typename T>
HWY_INLINE void SamplePixels(const T* HWY_RESTRICT src, std::size_t n_elements, const WarpBlock& block,
                             float* HWY_RESTRICT dst, std::size_t n) {
  const Quad d;
  const std::ptrdiff_t safe = static_cast<std::ptrdiff_t>(n_elements) - 4;
  for (std::size_t i = 0; i + (kChannels < 4 ? 1 : 0) < n; ++i) {
    const std::ptrdiff_t start = block.start[i];
    const std::ptrdiff_t right = block.right[i];
    const std::ptrdiff_t below = block.below[i];
    if (kChannels < 4 && start + right + below > safe) {
      sample_scalar(src, block, kChannels, dst, i, i + 1);
      continue;
    }
    const T* const upper_row = src + start;
    const T* const lower_row = upper_row + below;
    const auto fx = hn::Set(d, block.fraction_x[i]);
    const auto fy = hn::Set(d, block.fraction_y[i]);
    const auto upper_left = LoadPixel(upper_row);
    const auto lower_left = LoadPixel(lower_row);
    const auto upper = hn::Add(upper_left, hn::Mul(fx, hn::Sub(LoadPixel(upper_row + right), upper_left)));
    const auto lower = hn::Add(lower_left, hn::Mul(fx, hn::Sub(LoadPixel(lower_row + right), lower_left)));
    hn::StoreU(hn::Add(upper, hn::Mul(fy, hn::Sub(lower, upper))), d, dst + i * kChannels);
  }
  if (kChannels < 4) sample_scalar(src, block, kChannels, dst, n - 1, n);
}

template <typename T>
HWY_INLINE void SampleAny(const T* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels,
                          float* dst, std::size_t n) {
  if (n == 0) return;
  if (channels == 3) return SamplePixels<3>(src, n_elements, block, dst, n);
  if (channels == 4) return SamplePixels<4>(src, n_elements, block, dst, n);
  sample_scalar(src, block, channels, dst, 0, n);
}

template <std::size_t kChannels, typename T>
HWY_INLINE void PickPixels(const T* HWY_RESTRICT src, std::size_t n_elements, const WarpBlock& block,
                           float* HWY_RESTRICT dst, std::size_t n) {
  const std::ptrdiff_t safe = static_cast<std::ptrdiff_t>(n_elements) - 4;
  for (std::size_t i = 0; i + (kChannels < 4 ? 1 : 0) < n; ++i) {
    if (kChannels < 4 && block.start[i] > safe) {
      pick_scalar(src, block, kChannels, dst, i, i + 1);
    } else {
      hn::StoreU(LoadPixel(src + block.start[i]), Quad(), dst + i * kChannels);
    }
  }
  if (kChannels < 4) pick_scalar(src, block, kChannels, dst, n - 1, n);
}

template <typename T>
HWY_INLINE void PickAny(const T* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
                        std::size_t n) {
  if (n == 0) return;
  if (channels == 3) return PickPixels<3>(src, n_elements, block, dst, n);
  if (channels == 4) return PickPixels<4>(src, n_elements, block, dst, n);
  pick_scalar(src, block, channels, dst, 0, n);
}
#else
void Locate(const WarpLine& line, const WarpColumns& columns, WarpBlock& block) {
  locate_scalar(line, columns, 0, block);
}
template <typename T>
void SampleAny(const T* src, std::size_t, const WarpBlock& block, std::size_t channels, float* dst, std::size_t n) {
  sample_scalar(src, block, channels, dst, 0, n);
}
template <typename T>
void PickAny(const T* src, std::size_t, const WarpBlock& block, std::size_t channels, float* dst, std::size_t n) {
  pick_scalar(src, block, channels, dst, 0, n);
}
#endif

void SampleFloats(const float* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
                  std::size_t n) {
  SampleAny(src, n_elements, block, channels, dst, n);
}
void SampleBytes(const std::uint8_t* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels,
                 float* dst, std::size_t n) {
  SampleAny(src, n_elements, block, channels, dst, n);
}
void PickFloats(const float* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
                std::size_t n) {
  PickAny(src, n_elements, block, channels, dst, n);
}
void PickBytes(const std::uint8_t* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels,
               float* dst, std::size_t n) {
  PickAny(src, n_elements, block, channels, dst, n);
}

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(Locate);
HWY_EXPORT(SampleFloats);
HWY_EXPORT(SampleBytes);
HWY_EXPORT(PickFloats);
HWY_EXPORT(PickBytes);

void locate(const WarpLine& line, const WarpColumns& columns, WarpBlock& block) {
  if (scalar_only()) return locate_scalar(line, columns, 0, block);
  HWY_DYNAMIC_DISPATCH(Locate)(line, columns, block);
}

void sample(const float* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
            std::size_t n) {
  if (scalar_only()) return sample_scalar(src, block, channels, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(SampleFloats)(src, n_elements, block, channels, dst, n);
}

void sample(const std::uint8_t* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
            std::size_t n) {
  if (scalar_only()) return sample_scalar(src, block, channels, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(SampleBytes)(src, n_elements, block, channels, dst, n);
}

void pick(const float* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
          std::size_t n) {
  if (scalar_only()) return pick_scalar(src, block, channels, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(PickFloats)(src, n_elements, block, channels, dst, n);
}

void pick(const std::uint8_t* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
          std::size_t n) {
  if (scalar_only()) return pick_scalar(src, block, channels, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(PickBytes)(src, n_elements, block, channels, dst, n);
}

}  // namespace fastbatch::kernels
#endif
