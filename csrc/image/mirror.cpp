// SPDX-License-Identifier: MIT
#include "image/mirror.h"

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

}  // namespace fastbatch
