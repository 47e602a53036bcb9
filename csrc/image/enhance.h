// SPDX-License-Identifier: MIT
// Colours of 8-bit images, changed in place to the same bytes as by Pillow 13: ImageEnhance's Brightness, Contrast and
// Color, convert("L"), and the hue rotated in "HSV", as torchvision's functional adjust_* do on PIL images.
// Threads: functions of their arguments; any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch {

// Interleaved pixels of 1 (grey) or 3 channels.
struct ByteImage {
  std::uint8_t* data;
  std::size_t pixels;
  std::size_t channels;
};

void enhance_brightness(const ByteImage& image, float factor);
void enhance_contrast(const ByteImage& image, float factor);
void enhance_saturation(const ByteImage& image, float factor);  // Pillow's ImageEnhance.Color
// `turn`: added to the hue of 0 to 255, modulo 256. Grey images are unchanged.
void rotate_hue(const ByteImage& image, std::uint8_t turn);
// Each channel becomes the grey of its pixel.
void make_grey(const ByteImage& image);

}  // namespace fastbatch
