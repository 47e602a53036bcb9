// SPDX-License-Identifier: MIT
// Where a pixel comes from, in plain C++; the rules beyond the border are those of SciPy's map_coordinate.
#include "kernels/warp_block.h"

#include <cmath>

namespace fastbatch::kernels {
namespace {

// NaN gives 0.
double clamp(double at, double last) noexcept {
  at = at > 0 ? at : 0;
  return at < last ? at : last;
}

// A coordinate beyond the border -> one within, or less than a pixel beyond.
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
  float fraction;  // of the upper one
};

Place place(const WarpLine::Axis& axis, double column, const WarpLine& line) noexcept {
  double at = axis.at(column);
  if (!line.inside) at = fold(at, axis.last, line.fill);
  const double whole = std::floor(line.order == 0 ? at + 0.5 : at);
  return {clamp(whole, axis.last), clamp(whole + 1, axis.last), static_cast<float>(at - whole)};
}

}  // namespace

void locate_scalar(const WarpLine& line, const WarpColumns& columns, std::size_t first, WarpBlock& block) {
  for (std::size_t i = first; i < columns.n; ++i) {
    const double column = columns.first + columns.step * static_cast<double>(i);
    const Place y = place(line.y, column, line);
    const Place x = place(line.x, column, line);
    block.start[i] = static_cast<std::int32_t>(y.lower * line.row_stride + x.lower * line.channels);
    block.right[i] = static_cast<std::int32_t>((x.upper - x.lower) * line.channels);
    block.below[i] = static_cast<std::int32_t>((y.upper - y.lower) * line.row_stride);
    block.fraction_x[i] = x.fraction;
    block.fraction_y[i] = y.fraction;
  }
}

}  // namespace fastbatch::kernels
