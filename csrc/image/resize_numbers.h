// SPDX-License-Identifier: MIT
// Resizes images of uint16, int32 or float32 to the numbers of Pillow 13's Image.resize(), each channel like an image
// of mode "I;16", "I" or "F": weights and sums in float64, rounded to the type after each pass. 8 bits: resize.h.
// Threads: any.
#pragma once

#include <cstddef>

#include "common/dtype.h"
#include "image/resize.h"

namespace fastbatch {

// Strides in bytes, multiples of the element's size. The channels are interleaved, any number of them. `spec.window` is
// the part of the output to compute; `spec.given` is not used. Throws std::invalid_argument for other types.
void resize_numbers(const ResizeSpec& spec, DType dtype, const std::byte* src, std::size_t src_stride, std::byte* dst,
                    std::size_t dst_stride);

// Copies whole pixels unchanged, as for Filter::kNearest: the pixels of any type.
void resize_nearest(const ResizeSpec& spec, DType dtype, const std::byte* src, std::size_t src_stride, std::byte* dst,
                    std::size_t dst_stride);

// True if the output is the source.
[[nodiscard]] bool is_copy(const ResizeSpec& spec) noexcept;
// True if the resize computes nothing: it copies or selects whole pixels.
[[nodiscard]] bool selects_pixels(const ResizeSpec& spec) noexcept;

}  // namespace fastbatch
