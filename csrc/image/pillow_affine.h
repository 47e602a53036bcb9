// SPDX-License-Identifier: MIT
// An affine transform of 8-bit pixels to the same bytes as Pillow 13's Image.transform(size, AFFINE, matrix, resample),
// with the nearest pixel or bilinear. `image/affine.h` is another one: SciPy's, in float32, with several ways to fill.
// Threads: functions of their arguments; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/image.h"

namespace fastbatch {

// Pixel (x, y) of the result comes from (a x + b y + c, d x + e y + f) of the source; coordinates of centres are at
// 0.5.
struct PillowAffine {
  std::array<double, 6> matrix{1, 0, 0, 0, 1, 0};
  bool bilinear = false;               // otherwise the nearest pixel
  std::array<std::uint8_t, 4> fill{};  // per channel, for what comes from outside
};

// src and dst are dense images of this size, of 1 to 4 interleaved channels, which do not overlap.
void transform_affine(const PillowAffine& affine, ImageSize size, std::size_t channels, const std::uint8_t* src,
                      std::uint8_t* dst);

}  // namespace fastbatch
