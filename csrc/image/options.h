// SPDX-License-Identifier: MIT
// The options of an image column. Applied in this order: EXIF's orientation, crop and resize, flips, augmentation,
// conversion. Threads: a value; any may read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "codecs/image.h"
#include "codecs/reader.h"
#include "image/augment.h"
#include "image/geometry.h"
#include "image/resize_axis.h"
#include "kernels/kernels.h"

namespace fastbatch {

struct ImageOptions : CropOptions {
  Filter filter = Filter::kBilinear;
  bool flip = false;           // mirrors a sample, left to right, with probability 1/2: first draw of Operation::kFlip
  bool vertical_flip = false;  // top to bottom: first draw of Operation::kVerticalFlip
  ColorMode color = ColorMode::kRgb;
  bool apply_exif = false;                           // first turn the image upright
  bool exact = true;                                 // equal to Pillow; false: decode only the needed part
  bool dct_scale = true;                             // unless exact: let codecs decode large images at 1/2, 1/4 or 1/8
  std::array<std::uint8_t, 4> pad_value{};           // per channel, for pixels of the slot outside the image
  std::shared_ptr<const Augmentation> augmentation;  // applied before the conversion; may be null
  kernels::Conversion conversion;                    // its source type is set by the decoder
  std::uint64_t max_pixels = kMaxPixels;
};

}  // namespace fastbatch
