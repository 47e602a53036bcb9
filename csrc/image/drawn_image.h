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
#include "image/pillow_affine.h"
#include "image/sample_geometry.h"

namespace fastbatch {

// A change of all pixels of the slot, after crop, resize and flips. Colours as in `image/enhance.h`.
struct PixelChange {
  enum class Kind : std::uint8_t {
    kBrightness,
    kContrast,
    kSaturation,
    kHue,
    kGrey,
    kFlip,
    kVerticalFlip,
    kAffine,
  };
  Kind kind = Kind::kGrey;
  float value = 0;        // of a colour: factor; kHue: what is added to the hue, 0 to 255
  PillowAffine affine{};  // kAffine
};

struct DrawnImage {
  ImageSize size{};  // of the whole image, for which the numbers were drawn
  CropPlan crop{};   // `wanted` is placed in a slot of the decoder's size
  Flips flips{};
  std::vector<PixelChange> changes;  // in this order
  Window erased{};                   // of the slot; empty: none
};

// Throws std::invalid_argument if the crop exceeds the image, or what is wanted of it the slot.
void check_drawn(const DrawnImage& image, std::size_t height, std::size_t width);

// Applies the changes to interleaved pixels, in place. `scratch`: memory for one more image.
void change_pixels(const DrawnImage& image, std::uint8_t* pixels, ImageSize size, std::size_t channels,
                   std::vector<std::uint8_t>& scratch);

}  // namespace fastbatch
