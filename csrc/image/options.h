// SPDX-License-Identifier: MIT
// The options of an image column. Applied in this order: EXIF's orientation, crop and resize, flips, augmentation,
// conversion. Threads: a value; any may read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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
  kernels::Conversion conversion;                    // of 8-bit pixels; its source type is set by the decoder
  std::optional<kernels::Conversion> deep;           // of 16-bit pixels; none: files of 16 bits are read as 8-bit ones
  std::optional<kernels::Conversion> floats;         // of float pixels, with `deep`; none: such files are refused
  // Of masks: of pixels of 32 bits; none: such masks are refused.
  std::optional<kernels::Conversion> ints;   // of kI32
  std::optional<kernels::Conversion> uints;  // of kU32
  // Of masks: an element of the batch for pixels outside the image; empty: the converted `pad_value`.
  std::vector<std::byte> pad_element;
  bool clips = true;                // without `deep`: clip 16-bit gray to 255, as Pillow; or refuse it
  std::size_t stored_channels = 0;  // with `deep`: the file's own channels; 0: converted to `color`
  std::uint64_t max_pixels = kMaxPixels;
  bool fills = false;                // truncated images are filled, by the external reader; false: refused
  std::size_t seek_index_bytes = 0;  // memory for where parts of JPEGs begin, of a decoder; 0: none
};

}  // namespace fastbatch
