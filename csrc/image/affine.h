// SPDX-License-Identifier: MIT
// The random affine transform of a sample: rotation, shift, shear and zoom about the image's centre, combined.
// All arithmetic is IEEE double in a fixed order, so that fastbatch.pure.augment gives the same numbers.
// Threads: functions of their arguments; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/philox.h"
#include "kernels/warp.h"

namespace fastbatch {

using Range = std::array<double, 2>;  // lowest and highest value; equal: a constant

struct AffineOptions {
  Range rotation{0, 0};       // degrees
  Range shear{0, 0};          // degrees
  Range zoom{1, 1};           // drawn per axis; below 1 magnifies, above 1 shrinks (Keras's convention)
  Range shift_rows{0, 0};     // share of the height
  Range shift_columns{0, 0};  // share of the width
  int order = 1;
  kernels::Fill fill = kernels::Fill::kNearest;
  float fill_value = 0;

  // True if the options move any sample.
  [[nodiscard]] bool moves() const noexcept;
};

// Pixel (row, column) of the result is the image at matrix * (row, column) + offset.
struct AffineMap {
  std::array<double, 4> matrix{1, 0, 0, 1};
  std::array<double, 2> offset{};
};

// low + (high - low) * u
[[nodiscard]] double between(const Range& range, double u) noexcept;

// Always draws six numbers: rotation, shift of rows and of columns, shear, zoom of rows and of columns.
// The map is rotation x shift x shear x zoom, as in Keras's apply_affine_transform, about height / 2 - 0.5 and
// width / 2 - 0.5. `stream`: of Operation::kAffine.
AffineMap affine_matrix(const AffineOptions& options, double height, double width, Stream stream);

// The warp of a sample, with one channel; empty if the options move no sample.
std::optional<kernels::Warp> draw_warp(const AffineOptions& options, std::size_t height, std::size_t width,
                                       StreamKey key, std::uint64_t index);

}  // namespace fastbatch
