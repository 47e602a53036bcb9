// SPDX-License-Identifier: MIT
// Colour adjustments of float32 pixels in 0..255, in place. The definitions are those of
// torchvision's functional adjust_*, each product and sum rounded to float32; sums over an image are in float64 in a
// fixed order, so that every machine and fastbatch.pure give the same. Plain C++ but for the hue: compilers make
// vectors of it. Threads: any; nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

// n pixels of `channels` numbers, of which the first `colors` are changed: 1 or 3. Further channels (alpha) are
// unchanged.
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
// factor * x + (1 - factor) * grey, clipped. One channel is grey already, and stays.
void adjust_saturation(const FloatImage& image, float factor);
// Turns the hue by `turn` rounds; HSV, as torchvision computes it. One channel stays.
void adjust_hue(const FloatImage& image, float turn);
// x + shift, clipped to the least and the greatest number that the image had: Keras's apply_channel_shift.
void shift_channels(const FloatImage& image, float shift);
// (x - mean) / max(deviation, 1 / sqrt(numbers)): tf.image.per_image_standardization.
void standardize(const FloatImage& image);
// To whole numbers, halves to the even one, clipped.
void round_to_bytes(const float* src, std::uint8_t* dst, std::size_t n);

}  // namespace fastbatch::kernels
