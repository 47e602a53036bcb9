// SPDX-License-Identifier: MIT
#include "image/sample_geometry.h"

#include <optional>

#include "image/affine.h"
#include "image/mirror.h"

namespace fastbatch {
namespace {

// Inverts a warp: it maps output to source pixels, in (row, column) of centres; the matrix maps points, in (x, y) of
// edges.
Matrix matrix_of(const kernels::Warp& warp) {
  const auto& [a, b, d, e] = warp.matrix;
  const double det = a * e - b * d;
  const double y = warp.offset[0] + 0.5;
  const double x = warp.offset[1] + 0.5;
  return {a / det, -d / det, 0.5 - (a * x - d * y) / det, -b / det, e / det, 0.5 - (e * y - b * x) / det};
}

}  // namespace

SampleGeometry draw_geometry(const ImageInfo& info, const ImageOptions& options, StreamKey key, std::uint64_t index) {
  const auto heads = [&](Operation operation) { return Stream(key, index, operation).uniform() < 0.5; };
  SampleGeometry geometry;
  if (options.apply_exif) geometry.orientation = info.orientation;
  geometry.crop = plan_crop(turned(info.size, geometry.orientation), options, Stream(key, index, Operation::kCrop));
  geometry.flips.horizontal = options.flip && heads(Operation::kFlip);
  geometry.flips.vertical = options.vertical_flip && heads(Operation::kVerticalFlip);
  return geometry;
}

Matrix sample_matrix(const ImageInfo& info, const ImageOptions& options, StreamKey key, std::uint64_t index) {
  const SampleGeometry geometry = draw_geometry(info, options, key, index);
  const Matrix matrix =
      then(then(turn_matrix(info.size, geometry.orientation), crop_matrix(geometry.crop)),
           flip_matrix(options.height, options.width, geometry.flips.horizontal, geometry.flips.vertical));
  if (!options.augmentation) return matrix;
  const std::optional<kernels::Warp> warp =
      draw_warp(options.augmentation->options().affine, options.height, options.width, key, index);
  return warp ? then(matrix, matrix_of(*warp)) : matrix;
}

void apply_flips(Flips flips, std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t width, std::size_t height,
                 std::vector<std::uint8_t>& row) {
  if (flips.horizontal) mirror_rows(pixels, pixel_bytes, width, height, row);
  if (flips.vertical) reverse_rows(pixels, pixel_bytes * width, height);
}

}  // namespace fastbatch
