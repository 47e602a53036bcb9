// SPDX-License-Identifier: MIT
// Decodes and resizes a crop of an open image. Rows pass from the codec through the resize while they are in cache:
// neither the decoded nor the resized whole image is ever stored (unless EXIF turns it).
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
  // After reader.read_header() gave `info`: fills what `plan` covers of a slot without gaps, `options.width` pixels a
  // row, and calls reader.finish(). `orientation` is 1 unless the image is to be turned; the plan is of the
  // turned image. 8-bit modes only. Throws DecodeError.
  void run(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
           const ImageOptions& options, std::uint8_t* slot);

  // As run(), and pads the rest of the slot with `options.pad_value`.
  void fill(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
            const ImageOptions& options, std::uint8_t* slot);

 private:
  ResizerCache resizers_;
  std::vector<std::uint8_t> rows_;    // as they come from the codec
  std::vector<std::uint8_t> turned_;  // the part that is resized, upright
  std::vector<std::byte> scratch_;    // of the resize
};

}  // namespace fastbatch
