// SPDX-License-Identifier: MIT
// Pixels of a stored image -> the same image upright, by EXIF's orientation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/image.h"

namespace fastbatch {

// Copies rows [first, first + n) of a stored image to their places in the upright image, which has no gaps. `stride` is
// in bytes; pixels of 1 to 4, 6 and 8 bytes are fastest. Threads: any.
void turn_rows(const std::uint8_t* rows, std::size_t stride, std::size_t first, std::size_t n, ImageSize stored,
               std::uint8_t orientation, std::size_t pixel_bytes, std::uint8_t* upright);

}  // namespace fastbatch
