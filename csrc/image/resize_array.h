// SPDX-License-Identifier: MIT
// Resizes a whole image in memory to what Pillow 13's Image.resize() gives for the modes that an array can be: uint8 of
// 1 to 4 channels ("L", "LA", "RGB", "RGBA"), uint16 ("I;16"), int32 ("I") and float32 ("F") of one.
#pragma once

#include <cstddef>

#include "common/dtype.h"
#include "image/resize.h"

namespace fastbatch {

// src and dst are dense: rows of in_width and out_width pixels of spec.channels elements. Colours with alpha are
// weighted by it, with any filter but kNearest. Throws std::invalid_argument for what Pillow has no mode for.
// Threads: any.
void resize_array(const ResizeSpec& spec, DType dtype, const std::byte* src, std::byte* dst);

}  // namespace fastbatch
