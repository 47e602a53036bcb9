// SPDX-License-Identifier: MIT
#include "decode/mirror.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace fastbatch {
namespace {

using Quad = std::array<std::uint32_t, 3>;  // four pixels

Quad load(const std::uint8_t* src) noexcept {
  Quad quad;
  std::memcpy(quad.data(), src, sizeof(quad));
  return quad;
}

// The four pixels of `src` from the last to the first, by whole words; little endian.
void store_mirrored(const Quad& src, std::uint8_t* dst) noexcept {
  const Quad quad{
      src[2] >> 8U | (src[1] & 0x00FF0000U) << 8U,
      src[1] >> 24U | (src[2] & 0x000000FFU) << 8U | (src[0] & 0xFF000000U) >> 8U | (src[1] & 0x000000FFU) << 24U,
      (src[1] & 0x0000FF00U) >> 8U | src[0] << 8U,
  };
  std::memcpy(dst, quad.data(), sizeof(quad));
}

}  // namespace

void mirror_rows(std::uint8_t* pixels, std::size_t width, std::size_t height) noexcept {
  constexpr std::size_t kQuadBytes = sizeof(Quad);
  for (std::size_t y = 0; y < height; ++y) {
    std::uint8_t* left = pixels + 3 * width * y;
    std::uint8_t* right = left + 3 * width;  // behind the last pixel to exchange
    if constexpr (std::endian::native == std::endian::little) {
      for (; static_cast<std::size_t>(right - left) >= 2 * kQuadBytes; left += kQuadBytes, right -= kQuadBytes) {
        const Quad first = load(left);
        const Quad last = load(right - kQuadBytes);
        store_mirrored(last, left);
        store_mirrored(first, right - kQuadBytes);
      }
    }
    for (; right - left >= 6; left += 3, right -= 3) {
      for (std::size_t c = 0; c < 3; ++c) std::swap(left[c], (right - 3)[c]);
    }
  }
}

}  // namespace fastbatch
