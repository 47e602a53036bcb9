// SPDX-License-Identifier: MIT
// Colour adjustments of float32 pixels in 0..255, in place, as torchvision's functional adjust_*. Each product and sum
// is rounded to float32; sums over an image are float64 in a fixed order, so that all machines and fastbatch.pure give
// the same. Plain C++, vectorised by the compiler, except for the hue. Threads: any; nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

// n pixels of `channels` numbers. The first `colors` (1 or 3) are changed; further channels (alpha) are not.
struct FloatImage {
  float* data;
  std::size_t pixels;
  std::size_t channels;
  std::size_t colors;
};

// x * factor, clipped.
void adjust_brightness(const FloatImage& image, float factor);
// factor * x + (1 - factor) * the mean of the grey image, clipped.
void adjust_contrast(const FloatImage& image, float factor);
// factor * x + (1 - factor) * grey, clipped. One channel (grey) is unchanged.
void adjust_saturation(const FloatImage& image, float factor);
// Rotates the hue by `turn` turns in HSV, as torchvision. One channel is unchanged.
void adjust_hue(const FloatImage& image, float turn);
// x + shift, clipped to the range of the image before: Keras's apply_channel_shift.
void shift_channels(const FloatImage& image, float shift);
// (x - mean) / max(deviation, 1 / sqrt(numbers)): tf.image.per_image_standardization.
void standardize(const FloatImage& image);
// Rounds to integers, half to even, clipped to 0..255.
void round_to_bytes(const float* src, std::uint8_t* dst, std::size_t n);

}  // namespace fastbatch::kernels
