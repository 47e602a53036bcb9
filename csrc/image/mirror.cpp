// SPDX-License-Identifier: MIT
#include "image/mirror.h"

#include <algorithm>
#include <cstring>

#include "kernels/kernels.h"

namespace fastbatch {

void mirror_rows(std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t width, std::size_t height,
                 std::vector<std::uint8_t>& row) {
  const std::size_t n_bytes = pixel_bytes * width;
  if (n_bytes == 0) return;
  row.resize(n_bytes);
  for (std::size_t y = 0; y < height; ++y, pixels += n_bytes) {
    std::memcpy(row.data(), pixels, n_bytes);
    kernels::mirror(row.data(), pixels, n_bytes, pixel_bytes);
  }
}

void reverse_rows(std::uint8_t* pixels, std::size_t row_bytes, std::size_t height) {
  for (std::size_t y = 0; y < height / 2; ++y) {
    std::uint8_t* row = pixels + y * row_bytes;
    std::swap_ranges(row, row + row_bytes, pixels + (height - 1 - y) * row_bytes);
  }
}

}  // namespace fastbatch
