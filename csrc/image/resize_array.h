// SPDX-License-Identifier: MIT
// Resizes a whole image in memory to the same elements as Pillow 13's Image.resize(), for the modes of arrays: uint8 of
// 1 to 4 channels ("L", "LA", "RGB", "RGBA"); uint16 ("I;16"), int32 ("I") and float32 ("F") of one channel.
#pragma once

#include <cstddef>

#include "common/dtype.h"
#include "image/resize.h"

namespace fastbatch {

// src and dst are dense: rows of in_width and out_width pixels of spec.channels elements. Colours are weighted by
// alpha, except with kNearest. Throws std::invalid_argument for arrays without a Pillow mode.
// Threads: any.
void resize_array(const ResizeSpec& spec, DType dtype, const std::byte* src, std::byte* dst);

}  // namespace fastbatch
