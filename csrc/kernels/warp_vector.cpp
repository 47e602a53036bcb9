// SPDX-License-Identifier: MIT
// The blocks of a warp with vectors: several coordinates at a time in float64; one pixel at a time with all its
// channels.
#include "kernels/targets.h"
#include "kernels/warp_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/warp_vector.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

// Only vectors of fixed size, since they are class members here.
#undef FASTBATCH_WARP_TARGET
#define FASTBATCH_WARP_TARGET (FASTBATCH_VECTOR_TARGET && !HWY_HAVE_SCALABLE && HWY_MAX_BYTES >= 16)

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_WARP_TARGET
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

HWY_INLINE Place FindPlace(const WarpAxis& axis, Double column, bool inside, const WarpLine& line) {
  const Doubles d;
  const Double last = hn::Set(d, axis.last);
  Double at =
      hn::Add(hn::Add(hn::Set(d, axis.row_term), hn::Mul(column, hn::Set(d, axis.step))), hn::Set(d, axis.offset));
  if (!inside) at = Fold(at, last, line.fill);
  const Double whole = hn::Floor(line.order == 0 ? hn::Add(at, hn::Set(d, 0.5)) : at);
  return {Clamp(whole, last), Clamp(hn::Add(whole, hn::Set(d, 1.0)), last), hn::Sub(at, whole)};
}

void Locate(const WarpLine& line, const WarpColumns& columns, bool inside, WarpBlock& block) {
  const Doubles d;
  const hn::Rebind<std::int32_t, Doubles> d32;
  const hn::Rebind<float, Doubles> df;
  const std::size_t lanes = hn::Lanes(d);
  const Double row_stride = hn::Set(d, line.row_stride);
  const Double channels = hn::Set(d, line.channels);
  const Double step = hn::Set(d, static_cast<double>(columns.step));
  const Double first = hn::Set(d, static_cast<double>(columns.first));
  std::size_t i = 0;
  for (; i + lanes <= columns.n; i += lanes) {
    const Double number = hn::Add(hn::Iota(d, 0), hn::Set(d, static_cast<double>(i)));
    const Double column = hn::Add(first, hn::Mul(step, number));
    const Place y = FindPlace(line.y, column, inside, line);
    const Place x = FindPlace(line.x, column, inside, line);
    const Double start = hn::Add(hn::Mul(y.lower, row_stride), hn::Mul(x.lower, channels));
    hn::StoreU(hn::DemoteTo(d32, start), d32, block.start + i);
    if (line.order == 0) continue;
    hn::StoreU(hn::DemoteTo(d32, hn::Mul(hn::Sub(x.upper, x.lower), channels)), d32, block.right + i);
    hn::StoreU(hn::DemoteTo(d32, hn::Mul(hn::Sub(y.upper, y.lower), row_stride)), d32, block.below + i);
    hn::StoreU(hn::DemoteTo(df, x.fraction), df, block.fraction_x + i);
    hn::StoreU(hn::DemoteTo(df, y.fraction), df, block.fraction_y + i);
  }
  locate_scalar(line, columns, inside, i, block);
}

// Integer parts and fractions of the columns in a vector of 32-bit lanes, in 32.32 fixed point.
class FixedPlaces {
  using D64 = hn::ScalableTag<std::int64_t>;
  using D32 = hn::ScalableTag<std::int32_t>;
  using DFloat = hn::ScalableTag<float>;

 public:
  HWY_INLINE explicit FixedPlaces(const FixedAxis& axis) {
    const D64 d;
    HWY_ALIGN std::int64_t at[HWY_MAX_BYTES / sizeof(std::int64_t)];
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) at[i] = axis.first + axis.step * static_cast<std::int64_t>(i);
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    low_ = hn::Load(d, at);
    half_ = hn::Set(d, axis.step * lanes);
    step_ = hn::Set(d, 2 * axis.step * lanes);
  }
  // Returns those of the current columns and advances to the next ones.
  HWY_INLINE void Take(hn::Vec<D32>& whole, hn::Vec<DFloat>& fraction) {
    const D32 d;
    const auto low = hn::BitCast(d, low_);
    const auto high = hn::BitCast(d, hn::Add(low_, half_));
    whole = hn::ConcatOdd(d, high, low);
    const hn::RebindToUnsigned<D32> du;
    const auto parts = hn::ShiftRight<8>(hn::BitCast(du, hn::ConcatEven(d, high, low)));
    fraction = hn::Mul(hn::ConvertTo(DFloat(), hn::BitCast(d, parts)), hn::Set(DFloat(), 0x1p-24F));
    low_ = hn::Add(low_, step_);
  }

 private:
  hn::Vec<D64> low_;
  hn::Vec<D64> half_;
  hn::Vec<D64> step_;
};

void LocateInner(const WarpLine& line, const WarpColumns& columns, WarpBlock& block) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::ScalableTag<float> df;
  const FixedAxis fixed_y = to_fixed(line.y, columns);
  const FixedAxis fixed_x = to_fixed(line.x, columns);
  FixedPlaces places_y(fixed_y);
  FixedPlaces places_x(fixed_x);
  const auto row_stride = hn::Set(d, line.row_stride);
  const auto channels = hn::Set(d, line.channels);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= columns.n; i += hn::Lanes(d)) {
    hn::Vec<decltype(d)> y, x;
    hn::Vec<decltype(df)> fraction_y, fraction_x;
    places_y.Take(y, fraction_y);
    places_x.Take(x, fraction_x);
    hn::StoreU(hn::Add(hn::Mul(y, row_stride), hn::Mul(x, channels)), d, block.start + i);
    hn::StoreU(fraction_y, df, block.fraction_y + i);
    hn::StoreU(fraction_x, df, block.fraction_x + i);
  }
  locate_inner_scalar(line, fixed_y, fixed_x, i, columns.n, block);
}

HWY_INLINE hn::Vec<Quad> LoadPixel(const float* src) { return hn::LoadU(Quad(), src); }

HWY_INLINE hn::Vec<Quad> LoadPixel(const std::uint8_t* src) {
  const hn::Rebind<std::int32_t, Quad> d32;
  return hn::ConvertTo(Quad(), hn::PromoteTo(d32, hn::LoadU(hn::Rebind<std::uint8_t, Quad>(), src)));
}

// Reads and writes more than one pixel: the plain path handles the last pixel of a block, if this would exceed it, and
// pixels near the end of src.
template <std::size_t kChannels>
HWY_INLINE constexpr std::size_t LeftOver() {
  return kChannels < 4 ? 1 : 0;
}

template <std::size_t kChannels, typename T>
HWY_INLINE void SamplePixels(WarpSource<T> src, const WarpLine& line, const WarpBlock& block, float* HWY_RESTRICT dst,
                             std::size_t n) {
  const Quad d;
  const std::ptrdiff_t safe = static_cast<std::ptrdiff_t>(src.size) - 4;
  for (std::size_t i = 0; i + LeftOver<kChannels>() < n; ++i) {
    const std::ptrdiff_t right = block.right[i];
    const std::ptrdiff_t below = block.below[i];
    if (block.start[i] + right + below > safe) {
      sample_scalar(src.data, line, block, dst, i, i + 1);
      continue;
    }
    const T* const upper = src.data + block.start[i];
    const T* const lower = upper + below;
    const auto fx = hn::Set(d, block.fraction_x[i]);
    const auto fy = hn::Set(d, block.fraction_y[i]);
    const auto upper_left = LoadPixel(upper);
    const auto upper_right = LoadPixel(upper + right);
    const auto left = hn::Add(upper_left, hn::Mul(fy, hn::Sub(LoadPixel(lower), upper_left)));
    const auto on_right = hn::Add(upper_right, hn::Mul(fy, hn::Sub(LoadPixel(lower + right), upper_right)));
    hn::StoreU(hn::Add(left, hn::Mul(fx, hn::Sub(on_right, left))), d, dst + i * kChannels);
  }
  sample_scalar(src.data, line, block, dst, n - LeftOver<kChannels>(), n);
}

#if HWY_MAX_BYTES >= 32
using Octet = hn::FixedTag<float, 8>;  // two neighbouring pixels

HWY_INLINE hn::Vec<Octet> LoadTwo(const float* src) { return hn::LoadU(Octet(), src); }

HWY_INLINE hn::Vec<Octet> LoadTwo(const std::uint8_t* src) {
  const hn::Rebind<std::int32_t, Octet> d32;
  return hn::ConvertTo(Octet(), hn::PromoteTo(d32, hn::LoadU(hn::Rebind<std::uint8_t, Octet>(), src)));
}

template <std::size_t kChannels, typename T>
HWY_INLINE void SampleInnerPixels(WarpSource<T> src, const WarpLine& line, const WarpBlock& block,
                                  float* HWY_RESTRICT dst, std::size_t n) {
  const Octet d;
  const Quad half;
  alignas(32) static constexpr std::int32_t kRight[] = {3, 4, 5, 6, 7, 7, 7, 7};
  const auto to_right = hn::SetTableIndices(d, kRight);
  const std::ptrdiff_t row_stride = line.row_stride;
  const std::ptrdiff_t safe = static_cast<std::ptrdiff_t>(src.size) - 8 - row_stride;
  for (std::size_t i = 0; i + LeftOver<kChannels>() < n; ++i) {
    if (kChannels < 4 && block.start[i] > safe) {
      sample_inner_scalar(src.data, line, block, dst, i, i + 1);
      continue;
    }
    const T* const pixel = src.data + block.start[i];
    const auto upper = LoadTwo(pixel);
    const auto fy = hn::Set(d, block.fraction_y[i]);
    const auto fx = hn::Set(half, block.fraction_x[i]);
    const auto both = hn::Add(upper, hn::Mul(fy, hn::Sub(LoadTwo(pixel + row_stride), upper)));
    const auto left = hn::LowerHalf(half, both);
    hn::Vec<Quad> right;
    if constexpr (kChannels == 4) {
      right = hn::UpperHalf(half, both);
    } else {
      right = hn::LowerHalf(half, hn::TableLookupLanes(both, to_right));
    }
    hn::StoreU(hn::Add(left, hn::Mul(fx, hn::Sub(right, left))), half, dst + i * kChannels);
  }
  sample_inner_scalar(src.data, line, block, dst, n - LeftOver<kChannels>(), n);
}
#else
template <std::size_t kChannels, typename T>
HWY_INLINE void SampleInnerPixels(WarpSource<T> src, const WarpLine& line, const WarpBlock& block,
                                  float* HWY_RESTRICT dst, std::size_t n) {
  const Quad d;
  const std::ptrdiff_t row_stride = line.row_stride;
  const std::ptrdiff_t safe = static_cast<std::ptrdiff_t>(src.size - kChannels) - 4 - row_stride;
  for (std::size_t i = 0; i + LeftOver<kChannels>() < n; ++i) {
    if (block.start[i] > safe) {
      sample_inner_scalar(src.data, line, block, dst, i, i + 1);
      continue;
    }
    const T* const upper = src.data + block.start[i];
    const T* const lower = upper + row_stride;
    const auto fx = hn::Set(d, block.fraction_x[i]);
    const auto fy = hn::Set(d, block.fraction_y[i]);
    const auto upper_left = LoadPixel(upper);
    const auto upper_right = LoadPixel(upper + kChannels);
    const auto left = hn::Add(upper_left, hn::Mul(fy, hn::Sub(LoadPixel(lower), upper_left)));
    const auto right = hn::Add(upper_right, hn::Mul(fy, hn::Sub(LoadPixel(lower + kChannels), upper_right)));
    hn::StoreU(hn::Add(left, hn::Mul(fx, hn::Sub(right, left))), d, dst + i * kChannels);
  }
  sample_inner_scalar(src.data, line, block, dst, n - LeftOver<kChannels>(), n);
}
#endif

template <std::size_t kChannels, typename T>
HWY_INLINE void PickPixels(WarpSource<T> src, const WarpLine& line, const WarpBlock& block, float* HWY_RESTRICT dst,
                           std::size_t n) {
  const std::ptrdiff_t safe = static_cast<std::ptrdiff_t>(src.size) - 4;
  for (std::size_t i = 0; i + LeftOver<kChannels>() < n; ++i) {
    if (block.start[i] > safe) {
      pick_scalar(src.data, line, block, dst, i, i + 1);
    } else {
      hn::StoreU(LoadPixel(src.data + block.start[i]), Quad(), dst + i * kChannels);
    }
  }
  pick_scalar(src.data, line, block, dst, n - LeftOver<kChannels>(), n);
}
#else
void Locate(const WarpLine& line, const WarpColumns& columns, bool inside, WarpBlock& block) {
  locate_scalar(line, columns, inside, 0, block);
}
void LocateInner(const WarpLine& line, const WarpColumns& columns, WarpBlock& block) {
  locate_inner_scalar(line, to_fixed(line.y, columns), to_fixed(line.x, columns), 0, columns.n, block);
}
#endif

// Dispatches one of the three ways to fetch pixels; with vectors if the number of channels is supported.
#if FASTBATCH_WARP_TARGET
#define FASTBATCH_FETCH(Name, T, vector, scalar)                                                          \
  void Name(WarpSource<T> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) { \
    if (n == 0) return;                                                                                   \
    if (line.channels == 3) return vector<3>(src, line, block, dst, n);                                   \
    if (line.channels == 4) return vector<4>(src, line, block, dst, n);                                   \
    scalar(src.data, line, block, dst, 0, n);                                                             \
  }
#else
#define FASTBATCH_FETCH(Name, T, vector, scalar)                                                          \
  void Name(WarpSource<T> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) { \
    scalar(src.data, line, block, dst, 0, n);                                                             \
  }
#endif
FASTBATCH_FETCH(SampleFloats, float, SamplePixels, sample_scalar)
FASTBATCH_FETCH(SampleBytes, std::uint8_t, SamplePixels, sample_scalar)
FASTBATCH_FETCH(SampleInnerFloats, float, SampleInnerPixels, sample_inner_scalar)
FASTBATCH_FETCH(SampleInnerBytes, std::uint8_t, SampleInnerPixels, sample_inner_scalar)
FASTBATCH_FETCH(PickFloats, float, PickPixels, pick_scalar)
FASTBATCH_FETCH(PickBytes, std::uint8_t, PickPixels, pick_scalar)
#undef FASTBATCH_FETCH

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(Locate);
HWY_EXPORT(LocateInner);
HWY_EXPORT(SampleFloats);
HWY_EXPORT(SampleBytes);
HWY_EXPORT(SampleInnerFloats);
HWY_EXPORT(SampleInnerBytes);
HWY_EXPORT(PickFloats);
HWY_EXPORT(PickBytes);

void locate(const WarpLine& line, const WarpColumns& columns, bool inside, WarpBlock& block) {
  if (scalar_only()) return locate_scalar(line, columns, inside, 0, block);
  HWY_DYNAMIC_DISPATCH(Locate)(line, columns, inside, block);
}

void locate_inner(const WarpLine& line, const WarpColumns& columns, WarpBlock& block) {
  if (scalar_only()) {
    return locate_inner_scalar(line, to_fixed(line.y, columns), to_fixed(line.x, columns), 0, columns.n, block);
  }
  HWY_DYNAMIC_DISPATCH(LocateInner)(line, columns, block);
}

void sample(WarpSource<float> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) {
  if (scalar_only()) return sample_scalar(src.data, line, block, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(SampleFloats)(src, line, block, dst, n);
}

void sample(WarpSource<std::uint8_t> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) {
  if (scalar_only()) return sample_scalar(src.data, line, block, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(SampleBytes)(src, line, block, dst, n);
}

void sample_inner(WarpSource<float> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) {
  if (scalar_only()) return sample_inner_scalar(src.data, line, block, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(SampleInnerFloats)(src, line, block, dst, n);
}

void sample_inner(WarpSource<std::uint8_t> src, const WarpLine& line, const WarpBlock& block, float* dst,
                  std::size_t n) {
  if (scalar_only()) return sample_inner_scalar(src.data, line, block, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(SampleInnerBytes)(src, line, block, dst, n);
}

void pick(WarpSource<float> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) {
  if (scalar_only()) return pick_scalar(src.data, line, block, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(PickFloats)(src, line, block, dst, n);
}

void pick(WarpSource<std::uint8_t> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n) {
  if (scalar_only()) return pick_scalar(src.data, line, block, dst, 0, n);
  HWY_DYNAMIC_DISPATCH(PickBytes)(src, line, block, dst, n);
}

}  // namespace fastbatch::kernels
#endif
