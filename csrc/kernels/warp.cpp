// SPDX-License-Identifier: MIT
// warp(): divides each row of dst into the span inside src, which needs no bounds checks, and the rest.
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

// The first column in [0, n) for which `holds` is true, or n. `holds` is monotonic. `guess`: start of the search.
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

// The columns in [0, n) whose coordinate is in [low, high]. One span, since rounded coordinates are monotonic.
Span find_between(const WarpAxis& axis, double low, double high, std::size_t n) {
  const auto at = [&](std::size_t column) { return axis.at(static_cast<double>(column)); };
  const double start = axis.row_term + axis.offset;
  const bool rises = axis.step >= 0;
  const std::size_t first = first_column(((rises ? low : high) - start) / axis.step, n, [&](std::size_t column) {
    return rises ? at(column) >= low : at(column) <= high;
  });
  const std::size_t end = first_column(((rises ? high : low) - start) / axis.step, n, [&](std::size_t column) {
    return rises ? at(column) > high : at(column) < low;
  });
  return {first, std::max(first, end)};
}

// The columns whose coordinates are inside, at least `margin` from the border.
Span find_inside(const WarpLine& line, double margin, std::size_t n) {
  const Span y = find_between(line.y, margin, line.y.last - margin, n);
  const Span x = find_between(line.x, margin, line.x.last - margin, n);
  const std::size_t first = std::max(y.first, x.first);
  return {first, std::max(first, std::min(y.end, x.end))};
}

// Upper bound of the magnitude of all coordinates.
double greatest_coordinate(const Warp& warp) {
  double greatest = 0;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const double bound = std::fabs(warp.matrix[2 * axis]) * static_cast<double>(warp.height) +
                         std::fabs(warp.matrix[2 * axis + 1]) * static_cast<double>(warp.width) +
                         std::fabs(warp.offset[axis]);
    greatest = bound > greatest || std::isnan(bound) ? bound : greatest;
  }
  return greatest;
}

template <typename T>
class Rows {
 public:
  Rows(const Warp& warp, const T* src) : warp_(warp), src_{src, warp.height * warp.width * warp.channels} {
    const double greatest = greatest_coordinate(warp);
    is_wild_ = !(greatest < kWildCoordinate);
    has_inner_ = warp.order == 1 && greatest < kInnerCoordinate && warp.width <= kInnerWidth;
  }

  void row(std::size_t number, float* dst) {
    const std::size_t width = warp_.width;
    const WarpLine line = line_of(warp_.flip_rows ? warp_.height - 1 - number : number);
    Span inside{0, width};
    if (warp_.fill == Fill::kConstant) {
      inside = is_wild_ ? Span{0, 0} : turned(find_inside(line, 0, width));
      const std::size_t channels = warp_.channels;
      std::fill(dst, dst + inside.first * channels, warp_.fill_value);
      std::fill(dst + inside.end * channels, dst + width * channels, warp_.fill_value);
    }
    Span inner{inside.first, inside.first};
    if (has_inner_) inner = turned(find_inside(line, kInnerMargin, width));
    if (inner.first == inner.end) inner = {inside.first, inside.first};
    border(line, {inside.first, inner.first}, dst);
    blocks(inner, dst, [&](const WarpColumns& columns, float* out) {
      locate_inner(line, columns, block_);
      sample_inner(src_, line, block_, out, columns.n);
    });
    border(line, {inner.end, inside.end}, dst);
  }

 private:
  [[nodiscard]] WarpLine line_of(std::size_t number) const {
    const auto row = static_cast<double>(number);
    const auto axis = [&](std::size_t i, std::size_t n) {
      return WarpAxis{row * warp_.matrix[2 * i], warp_.matrix[2 * i + 1], warp_.offset[i], static_cast<double>(n - 1)};
    };
    return {.y = axis(0, warp_.height),
            .x = axis(1, warp_.width),
            .row_stride = static_cast<std::int32_t>(warp_.width * warp_.channels),
            .channels = static_cast<std::int32_t>(warp_.channels),
            .order = warp_.order,
            .fill = warp_.fill};
  }

  // The position of these columns in dst.
  [[nodiscard]] Span turned(Span columns) const {
    if (!warp_.flip_columns) return columns;
    return {warp_.width - columns.end, warp_.width - columns.first};
  }

  void border(const WarpLine& line, Span span, float* dst) {
    blocks(span, dst, [&](const WarpColumns& columns, float* out) {
      locate(line, columns, warp_.fill == Fill::kConstant, block_);
      if (warp_.order == 0) {
        pick(src_, line, block_, out, columns.n);
      } else {
        sample(src_, line, block_, out, columns.n);
      }
    });
  }

  template <typename Body>
  void blocks(Span span, float* dst, const Body& body) {
    for (std::size_t first = span.first; first < span.end; first += WarpBlock::kCapacity) {
      const std::size_t column = warp_.flip_columns ? warp_.width - 1 - first : first;
      const std::size_t n = std::min(WarpBlock::kCapacity, span.end - first);
      body({static_cast<std::int64_t>(column), warp_.flip_columns ? -1 : 1, n}, dst + first * warp_.channels);
    }
  }

  const Warp& warp_;
  const WarpSource<T> src_;
  bool is_wild_;
  bool has_inner_;
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
