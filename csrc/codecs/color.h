// SPDX-License-Identifier: MIT
// Conversion of pixels between colour modes, with the arithmetic of Pillow's convert(). n: number of pixels. Source and
// target must not overlap unless stated. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch {

// R, G, B (and, with 4 channels, an ignored one) to luma.
void rgb_to_gray(const std::uint8_t* src, std::size_t channels, std::uint8_t* gray, std::size_t n);

// Inverted CMYK, as Adobe writes it into JPEG files, to RGB, without a colour profile.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t n);

// Adds an opaque alpha. May work in place when the RGB pixels are the last 3 * n of the target's 4 * n bytes.
void rgb_to_rgba(const std::uint8_t* rgb, std::uint8_t* rgba, std::size_t n);

// Bytes to 16-bit numbers of this machine's byte order: 0 to 255, as Pillow's "I;16".
void widen_gray(const std::uint8_t* gray, std::uint8_t* gray16, std::size_t n);

// RGBA, in place: colours times their alpha, as Pillow's "RGBa"; and back.
void premultiply(std::uint8_t* rgba, std::size_t n);
void unpremultiply(std::uint8_t* rgba, std::size_t n);

}  // namespace fastbatch
