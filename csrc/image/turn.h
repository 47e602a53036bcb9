// SPDX-License-Identifier: MIT
// Pixels of a stored image -> the same image upright, by EXIF's orientation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/image.h"

namespace fastbatch {

// Rows [first, first + n) of a stored image of this size, into their places in the upright one, which has no gaps.
// `stride` is in bytes, pixels are of 1 to 4. Threads: any.
void turn_rows(const std::uint8_t* rows, std::size_t stride, std::size_t first, std::size_t n, ImageSize stored,
               std::uint8_t orientation, std::size_t pixel_bytes, std::uint8_t* upright);

}  // namespace fastbatch
