// SPDX-License-Identifier: MIT
#include "image/affine.h"

#include <cmath>
#include <numbers>

namespace fastbatch {

bool AffineOptions::moves() const noexcept {
  const auto draws = [](const Range& range, double neutral) { return range[0] != neutral || range[1] != neutral; };
  return draws(rotation, 0) || draws(shear, 0) || draws(zoom, 1) || draws(shift_rows, 0) || draws(shift_columns, 0);
}

double between(const Range& range, double u) noexcept { return range[0] + (range[1] - range[0]) * u; }

AffineMap affine_matrix(const AffineOptions& options, double height, double width, Stream stream) {
  constexpr double kDegree = std::numbers::pi / 180;
  const double angle = between(options.rotation, stream.uniform()) * kDegree;
  const double shift_y = between(options.shift_rows, stream.uniform()) * height;
  const double shift_x = between(options.shift_columns, stream.uniform()) * width;
  const double shear = between(options.shear, stream.uniform()) * kDegree;
  const double zoom_y = between(options.zoom, stream.uniform());
  const double zoom_x = between(options.zoom, stream.uniform());

  // In (row, column) order: rotation {c, s; -s, c} times shear {a, 0; -b, 1} times zoom.
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  const double a = std::cos(shear);
  const double b = std::sin(shear);
  AffineMap map;
  map.matrix = {(c * a - s * b) * zoom_y, s * zoom_x, (-s * a - c * b) * zoom_y, c * zoom_x};
  const double y = height / 2 - 0.5;
  const double x = width / 2 - 0.5;
  const double moved_y = c * shift_y + s * shift_x;
  const double moved_x = -s * shift_y + c * shift_x;
  map.offset = {y + moved_y - (map.matrix[0] * y + map.matrix[1] * x),
                x + moved_x - (map.matrix[2] * y + map.matrix[3] * x)};
  return map;
}

std::optional<kernels::Warp> draw_warp(const AffineOptions& options, std::size_t height, std::size_t width,
                                       StreamKey key, std::uint64_t index) {
  if (!options.moves()) return std::nullopt;
  const AffineMap map = affine_matrix(options, static_cast<double>(height), static_cast<double>(width),
                                      Stream(key, index, Operation::kAffine));
  return kernels::Warp{.height = height,
                       .width = width,
                       .matrix = map.matrix,
                       .offset = map.offset,
                       .order = options.order,
                       .fill = options.fill,
                       .fill_value = options.fill_value};
}

}  // namespace fastbatch
