// SPDX-License-Identifier: MIT
#include "decode/mirror.h"

#include <cstring>

namespace fastbatch {
namespace {

template <std::size_t kBytes>
void mirror(std::uint8_t* pixels, std::size_t width, std::size_t height, std::vector<std::uint8_t>& row) {
  const std::size_t n_bytes = kBytes * width;
  row.resize(n_bytes + 1);
  for (std::size_t y = 0; y < height; ++y, pixels += n_bytes) {
    std::memcpy(row.data(), pixels, n_bytes);
    const std::uint8_t* src = row.data() + n_bytes - kBytes;
    std::uint8_t* dst = pixels;
    // Three bytes move as one word of four; the next pixel overwrites the byte too many.
    constexpr std::size_t kWord = kBytes == 3 ? 4 : kBytes;
    for (std::uint8_t* last = pixels + n_bytes - kBytes; dst != last; dst += kBytes, src -= kBytes) {
      std::memcpy(dst, src, kWord);
    }
    std::memcpy(dst, src, kBytes);
  }
}

}  // namespace

void mirror_rows(std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t width, std::size_t height,
                 std::vector<std::uint8_t>& row) {
  if (width == 0) return;
  switch (pixel_bytes) {
    case 1: return mirror<1>(pixels, width, height, row);
    case 2: return mirror<2>(pixels, width, height, row);
    case 3: return mirror<3>(pixels, width, height, row);
    default: return mirror<4>(pixels, width, height, row);
  }
}

}  // namespace fastbatch
