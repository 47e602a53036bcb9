// SPDX-License-Identifier: MIT
// The transformations of Keras's ImageDataGenerator, in its order: warp, channel shift, mirror, brightness, rescale.
// All except the warp are equal to NumPy and Pillow to the byte. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/warp.h"

namespace fastbatch {

struct ImageChange {
  kernels::Warp warp{};  // sizes, matrix, mirroring, ...
  bool moves = false;    // false: the matrix is ignored
  bool has_shift = false;
  float shift = 0;                    // added to all pixels, clipped to the image's own range
  const float* brightness = nullptr;  // table of 256 values, indexed by a pixel's integer part
  float scale = 1;                    // factor, applied last
  // Conversion of 8-bit pixels to dst: includes `scale` if there is no warp, shift or brightness; otherwise a cast.
  const kernels::Conversion* convert = nullptr;
};

// src and dst do not overlap; both are (height, width, channels). With `brightness`, pixels must be in [0, 256).
void change(const ImageChange& change, const float* src, float* dst);
void change(const ImageChange& change, const std::uint8_t* src, float* dst);

}  // namespace fastbatch
