// SPDX-License-Identifier: MIT
// Source coordinates in plain C++; the rules beyond the border are those of SciPy's map_coordinate.
#include "kernels/warp_block.h"

#include <cmath>

namespace fastbatch::kernels {
namespace {

// NaN gives 0.
double clamp(double at, double last) noexcept {
  at = at > 0 ? at : 0;
  return at < last ? at : last;
}

// Maps a coordinate beyond the border to one inside, or less than a pixel outside.
double reflect(double at, double last) noexcept {
  const double n = last + 1;
  const double period = 2 * n;
  if (at < 0) {
    if (at < -period) at = period * std::trunc(-at / period) + at;
    return at < -n ? at + period : -at - 1;
  }
  at = at - period * std::trunc(at / period);
  return at >= n ? period - at - 1 : at;
}

double wrap(double at, double last) noexcept {
  if (at < 0) return at + last * (std::trunc(-at / last) + 1);
  return at - last * std::trunc(at / last);
}

double fold(double at, double last, Fill fill) noexcept {
  if (fill == Fill::kNearest) return clamp(at, last);
  if (last == 0 || !(std::fabs(at) < kWildCoordinate)) return 0;
  if (at >= 0 && at <= last) return at;
  return fill == Fill::kReflect ? reflect(at, last) : wrap(at, last);
}

struct Place {
  double lower;    // the pixel before the coordinate
  double upper;    // and the one after it
  float fraction;  // weight of `upper`
};

Place place(const WarpAxis& axis, double column, bool inside, const WarpLine& line) noexcept {
  double at = axis.at(column);
  if (!inside) at = fold(at, axis.last, line.fill);
  const double whole = std::floor(line.order == 0 ? at + 0.5 : at);
  return {clamp(whole, axis.last), clamp(whole + 1, axis.last), static_cast<float>(at - whole)};
}

constexpr float kFractionUnit = 0x1p-24F;

}  // namespace

void locate_scalar(const WarpLine& line, const WarpColumns& columns, bool inside, std::size_t first, WarpBlock& block) {
  const double row_stride = line.row_stride;
  const double channels = line.channels;
  for (std::size_t i = first; i < columns.n; ++i) {
    const auto column = static_cast<double>(columns.first + columns.step * static_cast<std::int64_t>(i));
    const Place y = place(line.y, column, inside, line);
    const Place x = place(line.x, column, inside, line);
    block.start[i] = static_cast<std::int32_t>(y.lower * row_stride + x.lower * channels);
    if (line.order == 0) continue;
    block.right[i] = static_cast<std::int32_t>((x.upper - x.lower) * channels);
    block.below[i] = static_cast<std::int32_t>((y.upper - y.lower) * row_stride);
    block.fraction_x[i] = x.fraction;
    block.fraction_y[i] = y.fraction;
  }
}

FixedAxis to_fixed(const WarpAxis& axis, const WarpColumns& columns) noexcept {
  constexpr double kUnits = 0x1p32;
  static_assert(kUnits == static_cast<double>(std::int64_t{1} << kFixedBits));
  const auto step = static_cast<std::int64_t>(std::nearbyint(axis.step * kUnits));
  const auto zero = static_cast<std::int64_t>(std::nearbyint(axis.at(0) * kUnits));
  return {zero + columns.first * step, columns.step * step};
}

void locate_inner_scalar(const WarpLine& line, const FixedAxis& y, const FixedAxis& x, std::size_t first,
                         std::size_t end, WarpBlock& block) {
  const auto fraction = [](std::int64_t at) {
    return static_cast<float>(static_cast<std::int32_t>((at & 0xFFFFFFFF) >> 8)) * kFractionUnit;
  };
  for (std::size_t i = first; i < end; ++i) {
    const std::int64_t at_y = y.first + y.step * static_cast<std::int64_t>(i);
    const std::int64_t at_x = x.first + x.step * static_cast<std::int64_t>(i);
    block.start[i] =
        static_cast<std::int32_t>((at_y >> kFixedBits) * line.row_stride + (at_x >> kFixedBits) * line.channels);
    block.fraction_x[i] = fraction(at_x);
    block.fraction_y[i] = fraction(at_y);
  }
}

}  // namespace fastbatch::kernels
