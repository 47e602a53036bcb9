// SPDX-License-Identifier: MIT
// The transformations of Keras's ImageDataGenerator, in its order: warp, channel shift, mirror, brightness, rescale.
// Everything but the warp gives the bytes that NumPy and Pillow give. Threads: any; nothing here
// allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/warp.h"

namespace fastbatch {

struct ImageChange {
  kernels::Warp warp{};  // sizes, matrix, mirroring and so on
  bool moves = false;    // false: the matrix is not looked at
  bool has_shift = false;
  float shift = 0;                    // added to all pixels, clipped to the image's own least and greatest
  const float* brightness = nullptr;  // 256 values for the whole part of a pixel in [0, 256), which replace it
  float scale = 1;                    // and then multiplied
  // From 8-bit pixels to dst where nothing moves or shifts and no brightness is in the way: `scale` too. Else a cast.
  const kernels::Conversion* convert = nullptr;
};

// src and dst do not overlap; both are (height, width, channels). With `brightness`, pixels must be in [0, 256).
void change(const ImageChange& change, const float* src, float* dst);
void change(const ImageChange& change, const std::uint8_t* src, float* dst);

}  // namespace fastbatch
