// SPDX-License-Identifier: MIT
// RGB -> HSV -> RGB. The hue is in sixths of a turn; its integer part (the sector) selects the value of each colour.
#include "kernels/hue.h"

#include <algorithm>
#include <cmath>

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hue.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

namespace fastbatch::kernels {
void turn_hue_scalar(Planes& planes, float turn);
}  // namespace fastbatch::kernels

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;  // its size divides that of Planes
using Float = hn::Vec<Floats>;

HWY_INLINE Float Clip(Float x) {
  const Floats d;
  return hn::Min(hn::Max(x, hn::Zero(d)), hn::Set(d, 255.0F));
}

HWY_INLINE Float Fraction(Float x) { return hn::Sub(x, hn::Floor(x)); }

// Selects one of six values by the sector.
HWY_INLINE Float Choose(Float sector, Float a0, Float a1, Float a2, Float a3, Float a4, Float a5) {
  const Floats d;
  const auto before = [&](float n) HWY_ATTR { return hn::Lt(sector, hn::Set(d, n)); };
  const Float low = hn::IfThenElse(before(1), a0, hn::IfThenElse(before(2), a1, a2));
  const Float high = hn::IfThenElse(before(4), a3, hn::IfThenElse(before(5), a4, a5));
  return hn::IfThenElse(before(3), low, high);
}

void TurnHue(Planes& planes, float turn) {
  const Floats d;
  const Float one = hn::Set(d, 1.0F);
  const Float six = hn::Set(d, 6.0F);
  for (std::size_t i = 0; i < Planes::kCapacity; i += hn::Lanes(d)) {
    const Float r = hn::Load(d, planes.r + i);
    const Float g = hn::Load(d, planes.g + i);
    const Float b = hn::Load(d, planes.b + i);
    const Float most = hn::Max(hn::Max(r, g), b);
    const Float range = hn::Sub(most, hn::Min(hn::Min(r, g), b));
    const auto is_grey = hn::Eq(range, hn::Zero(d));
    const Float divisor = hn::IfThenElse(is_grey, one, range);
    const Float saturation = hn::Div(range, hn::IfThenElse(is_grey, one, most));
    const Float rc = hn::Div(hn::Sub(most, r), divisor);
    const Float gc = hn::Div(hn::Sub(most, g), divisor);
    const Float bc = hn::Div(hn::Sub(most, b), divisor);
    const Float by_green = hn::Sub(hn::Add(hn::Set(d, 2.0F), rc), bc);
    const Float by_blue = hn::Sub(hn::Add(hn::Set(d, 4.0F), gc), rc);
    const Float not_red = hn::IfThenElse(hn::Eq(most, g), by_green, by_blue);
    const Float sixth = hn::IfThenElse(hn::Eq(most, r), hn::Sub(bc, gc), not_red);
    const Float hue = hn::Add(Fraction(hn::Add(hn::Div(sixth, six), one)), hn::Set(d, turn));
    const Float sixths = hn::Mul(Fraction(hue), six);
    const Float whole = hn::Floor(sixths);
    const Float part = hn::Sub(sixths, whole);
    const Float sector = hn::IfThenElse(hn::Lt(whole, six), whole, hn::Zero(d));
    const Float p = Clip(hn::Mul(most, hn::Sub(one, saturation)));
    const Float q = Clip(hn::Mul(most, hn::Sub(one, hn::Mul(saturation, part))));
    const Float t = Clip(hn::Mul(most, hn::Sub(one, hn::Mul(saturation, hn::Sub(one, part)))));
    hn::Store(Choose(sector, most, q, p, p, t, most), d, planes.r + i);
    hn::Store(Choose(sector, t, most, most, q, p, p), d, planes.g + i);
    hn::Store(Choose(sector, p, p, t, most, most, q), d, planes.b + i);
  }
}
#else
void TurnHue(Planes& planes, float turn) { turn_hue_scalar(planes, turn); }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {
namespace {

float clip(float x) noexcept { return std::min(std::max(x, 0.0F), 255.0F); }
float fraction(float x) noexcept { return x - std::floor(x); }

}  // namespace

void turn_hue_scalar(Planes& planes, float turn) {
  for (std::size_t i = 0; i < Planes::kCapacity; ++i) {
    const float r = planes.r[i];
    const float g = planes.g[i];
    const float b = planes.b[i];
    const float most = std::max(std::max(r, g), b);
    const float range = most - std::min(std::min(r, g), b);
    const float divisor = range == 0.0F ? 1.0F : range;
    const float saturation = range / (range == 0.0F ? 1.0F : most);
    const float rc = (most - r) / divisor;
    const float gc = (most - g) / divisor;
    const float bc = (most - b) / divisor;
    const float sixth = most == r ? bc - gc : most == g ? (2.0F + rc) - bc : (4.0F + gc) - rc;
    const float sixths = fraction(fraction(sixth / 6.0F + 1.0F) + turn) * 6.0F;
    const float whole = std::floor(sixths);
    const float part = sixths - whole;
    const float p = clip(most * (1.0F - saturation));
    const float q = clip(most * (1.0F - saturation * part));
    const float t = clip(most * (1.0F - saturation * (1.0F - part)));
    const float colors[6][3] = {{most, t, p}, {q, most, p}, {p, most, t}, {p, q, most}, {t, p, most}, {most, p, q}};
    const float* const color = colors[whole < 6.0F ? static_cast<int>(whole) : 0];
    planes.r[i] = color[0];
    planes.g[i] = color[1];
    planes.b[i] = color[2];
  }
}

HWY_EXPORT(TurnHue);

void turn_hue(Planes& planes, float turn) {
  if (scalar_only()) return turn_hue_scalar(planes, turn);
  HWY_DYNAMIC_DISPATCH(TurnHue)(planes, turn);
}

}  // namespace fastbatch::kernels
#endif
