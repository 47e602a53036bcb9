// SPDX-License-Identifier: MIT
#include "image/turn.h"

#include <algorithm>
#include <cstring>

namespace fastbatch {
namespace {

constexpr std::size_t kRowsTogether = 16;  // rows per block: their pixels of one column become neighbours

// Offsets in the upright image, in pixels: of the first stored pixel, and from a stored pixel to its right and lower
// neighbour.
struct Places {
  std::ptrdiff_t origin, right, below;
};

Places places_of(ImageSize stored, std::uint8_t orientation) {
  const auto width = static_cast<std::ptrdiff_t>(stored.width);
  const auto height = static_cast<std::ptrdiff_t>(stored.height);
  const std::ptrdiff_t last = width * height - 1;
  switch (orientation) {
    case 2: return {width - 1, -1, width};
    case 3: return {last, -1, -width};
    case 4: return {last - width + 1, 1, -width};
    case 5: return {0, height, 1};
    case 6: return {height - 1, height, -1};
    case 7: return {last, -height, -1};
    case 8: return {last - height + 1, -height, 1};
    default: return {0, 1, width};
  }
}

template <std::size_t kBytes>
void turn(const std::uint8_t* rows, std::size_t stride, std::size_t first, std::size_t n, std::size_t width,
          Places places, std::uint8_t* upright) {
  constexpr auto kPixel = static_cast<std::ptrdiff_t>(kBytes);
  for (std::size_t top = 0; top < n; top += kRowsTogether) {
    const std::size_t bottom = std::min(top + kRowsTogether, n);
    for (std::size_t x = 0; x < width; ++x) {
      const auto column = static_cast<std::ptrdiff_t>(x) * places.right;
      for (std::size_t y = top; y < bottom; ++y) {
        const std::ptrdiff_t to = places.origin + column + static_cast<std::ptrdiff_t>(first + y) * places.below;
        std::memcpy(upright + to * kPixel, rows + y * stride + x * kBytes, kBytes);
      }
    }
  }
}

void turn_long(const std::uint8_t* rows, std::size_t stride, std::size_t first, std::size_t n, std::size_t width,
               std::size_t pixel_bytes, Places places, std::uint8_t* upright) {
  const auto pixel = static_cast<std::ptrdiff_t>(pixel_bytes);
  for (std::size_t y = 0; y < n; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const std::ptrdiff_t to = places.origin + static_cast<std::ptrdiff_t>(x) * places.right +
                                static_cast<std::ptrdiff_t>(first + y) * places.below;
      std::memcpy(upright + to * pixel, rows + y * stride + x * pixel_bytes, pixel_bytes);
    }
  }
}

}  // namespace

void turn_rows(const std::uint8_t* rows, std::size_t stride, std::size_t first, std::size_t n, ImageSize stored,
               std::uint8_t orientation, std::size_t pixel_bytes, std::uint8_t* upright) {
  const Places places = places_of(stored, orientation);
  switch (pixel_bytes) {
    case 1: return turn<1>(rows, stride, first, n, stored.width, places, upright);
    case 2: return turn<2>(rows, stride, first, n, stored.width, places, upright);
    case 3: return turn<3>(rows, stride, first, n, stored.width, places, upright);
    case 4: return turn<4>(rows, stride, first, n, stored.width, places, upright);
    case 6: return turn<6>(rows, stride, first, n, stored.width, places, upright);
    case 8: return turn<8>(rows, stride, first, n, stored.width, places, upright);
    default: return turn_long(rows, stride, first, n, stored.width, pixel_bytes, places, upright);
  }
}

}  // namespace fastbatch
