// SPDX-License-Identifier: MIT
#include "decode/mirror.h"

#include <cstring>

namespace fastbatch {

void mirror_rows(std::uint8_t* pixels, std::size_t width, std::size_t height, std::vector<std::uint8_t>& row) {
  if (width == 0) return;
  const std::size_t n_bytes = 3 * width;
  row.resize(n_bytes + 1);
  for (std::size_t y = 0; y < height; ++y, pixels += n_bytes) {
    std::memcpy(row.data(), pixels, n_bytes);
    const std::uint8_t* src = row.data() + n_bytes - 3;
    std::uint8_t* dst = pixels;
    // A pixel moves as one word of four bytes; the next one overwrites the byte too many.
    for (std::uint8_t* last = pixels + n_bytes - 3; dst != last; dst += 3, src -= 3) std::memcpy(dst, src, 4);
    std::memcpy(dst, src, 3);
  }
}

}  // namespace fastbatch
