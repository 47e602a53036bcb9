// SPDX-License-Identifier: MIT
// What becomes of an image file on its way into its slot. EXIF's turn comes first, then the crop, then the
// flips, then the augmentation.
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
  bool flip = false;           // every second sample is mirrored, left to right: first draw of Operation::kFlip
  bool vertical_flip = false;  // and upside down: first draw of Operation::kVerticalFlip
  ColorMode color = ColorMode::kRgb;
  bool apply_exif = false;                  // turn the image upright before anything else
  bool exact = true;                        // Pillow's bytes; false: decode no more than what is needed
  bool dct_scale = true;                    // unless exact: let the codec make large images smaller while it decodes
  std::array<std::uint8_t, 4> pad_value{};  // per channel: the pixels of the slot that no image covers
  std::shared_ptr<const Augmentation> augmentation;  // of the slot's pixels, before the conversion; may be null
  kernels::Conversion conversion;                    // of the slot's pixels; what it says of the source is set here
  std::uint64_t max_pixels = kMaxPixels;
};

}  // namespace fastbatch
