// SPDX-License-Identifier: MIT
// Decodes and resizes a crop of an open image. Rows pass from the codec to the resize while they are in cache; the
// whole image is stored neither decoded nor resized (unless EXIF's orientation turns it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/reader.h"
#include "image/options.h"
#include "image/resize.h"

namespace fastbatch {

// Reuses its memory from image to image. Threads: one at a time.
class ImageCropper {
 public:
  // Call after reader.read_header(), which returned `info`. Fills the part of a dense slot that `plan` covers, with
  // `options.width` pixels per row, and calls reader.finish(). `orientation`: 1, or EXIF's to turn the image; `plan`
  // refers to the turned image. 8-bit modes only. Throws DecodeError.
  void run(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
           const ImageOptions& options, std::uint8_t* slot);

  // run(), and fills the rest of the slot with `options.pad_value`.
  void fill(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
            const ImageOptions& options, std::uint8_t* slot);

 private:
  ResizerCache resizers_;
  std::vector<std::uint8_t> rows_;    // rows from the codec
  std::vector<std::uint8_t> turned_;  // the part to be resized, turned upright
  std::vector<std::byte> scratch_;    // for the resize
};

}  // namespace fastbatch
