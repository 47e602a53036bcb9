// SPDX-License-Identifier: MIT
#include "codecs/color.h"

#include <algorithm>
#include <cstring>

namespace fastbatch {

void rgb_to_gray(const std::uint8_t* src, std::size_t channels, std::uint8_t* gray, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i, src += channels) {
    gray[i] = static_cast<std::uint8_t>((src[0] * 19595U + src[1] * 38470U + src[2] * 7471U + 0x8000U) >> 16U);
  }
}

namespace {

// a * b / 255, rounded to nearest.
unsigned times(unsigned a, unsigned b) {
  const unsigned product = a * b + 128U;
  return ((product >> 8U) + product) >> 8U;
}

}  // namespace

void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned white = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[3 * i + c] = static_cast<std::uint8_t>(white - std::min(times(255U - cmyk[4 * i + c], white), white));
    }
  }
}

void rgb_to_rgba(const std::uint8_t* rgb, std::uint8_t* rgba, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    std::memmove(rgba + 4 * i, rgb + 3 * i, 3);
    rgba[4 * i + 3] = 255;
  }
}

void widen_gray(const std::uint8_t* gray, std::uint8_t* gray16, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t value = gray[i];
    std::memcpy(gray16 + 2 * i, &value, 2);
  }
}

void premultiply(std::uint8_t* rgba, std::size_t n) {
  for (std::uint8_t* end = rgba + 4 * n; rgba != end; rgba += 4) {
    for (std::size_t c = 0; c < 3; ++c) rgba[c] = static_cast<std::uint8_t>(times(rgba[c], rgba[3]));
  }
}

void unpremultiply(std::uint8_t* rgba, std::size_t n) {
  for (std::uint8_t* end = rgba + 4 * n; rgba != end; rgba += 4) {
    const unsigned alpha = rgba[3];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = 0; c < 3; ++c) rgba[c] = static_cast<std::uint8_t>(std::min(255U * rgba[c] / alpha, 255U));
  }
}

}  // namespace fastbatch
