// SPDX-License-Identifier: MIT
// Mirrors images in place, left-right or top-bottom. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastbatch {

// Left-right. `height` rows of `width` pixels, without gaps. `row` is scratch memory.
void mirror_rows(std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t width, std::size_t height,
                 std::vector<std::uint8_t>& row);

// Top-bottom. `height` rows of `row_bytes`, without gaps.
void reverse_rows(std::uint8_t* pixels, std::size_t row_bytes, std::size_t height);

}  // namespace fastbatch
