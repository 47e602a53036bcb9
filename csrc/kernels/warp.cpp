// SPDX-License-Identifier: MIT
// warp(): cuts each row of dst into what lies inside src, where coordinates need no care, and what does not.
#include "kernels/warp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/warp_block.h"

namespace fastbatch::kernels {
namespace {

struct Span {
  std::size_t first;
  std::size_t end;  // >= first
};

// The first column in [0, n] from which on `holds`: false on some columns (or none), then true. `guess` saves time.
template <typename Holds>
std::size_t first_column(double guess, std::size_t n, const Holds& holds) {
  std::size_t low = 0;
  std::size_t high = n;
  const double most = static_cast<double>(n);
  const auto near = static_cast<std::size_t>(guess > 0 ? std::min(guess, most) : 0);
  const std::size_t before = near - std::min<std::size_t>(near, 1);
  const std::size_t after = std::min(near + 2, n);
  if (before > 0 && !holds(before - 1)) low = before;
  if (after < n && holds(after)) high = after;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// The columns in [0, n) whose coordinate lies in [0, last]. Rounding keeps the order of coordinates, so it is one span.
Span find_inside(const WarpLine::Axis& axis, std::size_t n) {
  const auto at = [&](std::size_t column) { return axis.at(static_cast<double>(column)); };
  const double start = axis.row_term + axis.offset;
  const bool rises = axis.step >= 0;
  const double enter = rises ? 0 : axis.last;
  const double leave = rises ? axis.last : 0;
  const std::size_t first = first_column((enter - start) / axis.step, n, [&](std::size_t column) {
    return rises ? at(column) >= 0 : at(column) <= axis.last;
  });
  const std::size_t end = first_column((leave - start) / axis.step, n, [&](std::size_t column) {
    return rises ? at(column) > axis.last : at(column) < 0;
  });
  return {first, std::max(first, end)};
}

// Columns of one row of dst, counted before any flip.
Span find_inside(const WarpLine& line, std::size_t n) {
  const Span y = find_inside(line.y, n);
  const Span x = find_inside(line.x, n);
  const std::size_t first = std::max(y.first, x.first);
  return {first, std::max(first, std::min(y.end, x.end))};
}

// The greatest coordinate that can come up, or more.
bool is_wild(const Warp& warp) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const double bound = std::fabs(warp.matrix[2 * axis]) * static_cast<double>(warp.height) +
                         std::fabs(warp.matrix[2 * axis + 1]) * static_cast<double>(warp.width) +
                         std::fabs(warp.offset[axis]);
    if (!(bound < kWildCoordinate)) return true;
  }
  return false;
}

template <typename T>
class Rows {
 public:
  Rows(const Warp& warp, const T* src) : warp_(warp), src_(src), wild_(is_wild(warp)) {}

  void row(std::size_t number, float* dst) {
    const WarpLine line = line_of(warp_.flip_rows ? warp_.height - 1 - number : number);
    Span inside{0, 0};
    if (!wild_ && warp_.fill != Fill::kNearest) inside = find_inside(line, warp_.width);
    if (warp_.flip_columns) inside = {warp_.width - inside.end, warp_.width - inside.first};
    outside(line, {0, inside.first}, dst);
    blocks(line, inside, true, dst);
    outside(line, {inside.end, warp_.width}, dst);
  }

 private:
  [[nodiscard]] WarpLine line_of(std::size_t number) const {
    const auto row = static_cast<double>(number);
    const auto axis = [&](std::size_t i, std::size_t n) {
      return WarpLine::Axis{row * warp_.matrix[2 * i], warp_.matrix[2 * i + 1], warp_.offset[i],
                            static_cast<double>(n - 1)};
    };
    return {axis(0, warp_.height),
            axis(1, warp_.width),
            static_cast<double>(warp_.width * warp_.channels),
            static_cast<double>(warp_.channels),
            warp_.order,
            warp_.fill,
            false};
  }

  void outside(const WarpLine& line, Span span, float* dst) {
    if (warp_.fill != Fill::kConstant) return blocks(line, span, false, dst);
    std::fill(dst + span.first * warp_.channels, dst + span.end * warp_.channels, warp_.fill_value);
  }

  void blocks(WarpLine line, Span span, bool inside, float* dst) {
    line.inside = inside;
    const std::size_t n_elements = warp_.height * warp_.width * warp_.channels;
    for (std::size_t first = span.first; first < span.end; first += WarpBlock::kCapacity) {
      const std::size_t n = std::min(WarpBlock::kCapacity, span.end - first);
      const std::size_t column = warp_.flip_columns ? warp_.width - 1 - first : first;
      locate(line, {static_cast<double>(column), warp_.flip_columns ? -1.0 : 1.0, n}, block_);
      float* const out = dst + first * warp_.channels;
      if (warp_.order == 0) {
        pick(src_, n_elements, block_, warp_.channels, out, n);
      } else {
        sample(src_, n_elements, block_, warp_.channels, out, n);
      }
    }
  }

  const Warp& warp_;
  const T* const src_;
  const bool wild_;
  WarpBlock block_;
};

template <typename T>
void warp_any(const Warp& warp, const T* src, float* dst) {
  if (warp.height == 0 || warp.width == 0 || warp.channels == 0) return;
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (warp.height > kMost / warp.width || warp.height * warp.width > kMost / warp.channels) {
    throw std::invalid_argument("an image to be warped has less than 2^31 elements");
  }
  Rows<T> rows(warp, src);
  for (std::size_t row = 0; row < warp.height; ++row) rows.row(row, dst + row * warp.width * warp.channels);
}

}  // namespace

void warp(const Warp& warp, const float* src, float* dst) { warp_any(warp, src, dst); }
void warp(const Warp& warp, const std::uint8_t* src, float* dst) { warp_any(warp, src, dst); }

}  // namespace fastbatch::kernels
