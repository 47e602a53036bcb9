// SPDX-License-Identifier: MIT
// What happens to the pixels of one image, with every random number drawn already: by a caller who has generators of
// its own, as PyTorch's users have. `draw_geometry()` is the counterpart that draws from the core's streams. Threads:
// values and functions of their arguments; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/image.h"
#include "image/geometry.h"
#include "image/sample_geometry.h"

namespace fastbatch {

// A change of colours, after crop, resize and flips. As in `image/enhance.h`.
struct ColorChange {
  enum class Kind : std::uint8_t { kBrightness, kContrast, kSaturation, kHue, kGrey };
  Kind kind = Kind::kGrey;
  float value = 0;  // factor; kHue: what is added to the hue, 0 to 255
};

struct DrawnImage {
  ImageSize size{};  // of the whole image, for which the numbers were drawn
  CropPlan crop{};   // `wanted` is placed in a slot of the decoder's size
  Flips flips{};
  std::vector<ColorChange> colors;  // in this order
  Window erased{};                  // of the slot; empty: none
};

// Throws std::invalid_argument if the crop exceeds the image, or what is wanted of it the slot.
void check_drawn(const DrawnImage& image, std::size_t height, std::size_t width);

// Applies the colour changes to interleaved pixels, in place.
void change_colors(const DrawnImage& image, std::uint8_t* pixels, std::size_t n_pixels, std::size_t channels);

}  // namespace fastbatch
