// SPDX-License-Identifier: MIT
// The random geometry of a sample. Images, masks and matrices all draw it here, from the same streams, so that the mask
// and the points of an image move with it. fastbatch.pure draws the same numbers.
// Threads: functions of their arguments; any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/reader.h"
#include "common/philox.h"
#include "image/geometry.h"
#include "image/options.h"

namespace fastbatch {

// The flips of a sample; each is the first draw of its own stream.
struct Flips {
  bool horizontal = false;
  bool vertical = false;
};

struct SampleGeometry {
  std::uint8_t orientation = 1;  // EXIF's with apply_exif, otherwise 1
  CropPlan crop{};               // crop of the turned image
  Flips flips{};                 // flips of the slot
};

SampleGeometry draw_geometry(const ImageInfo& info, const ImageOptions& options, StreamKey key, std::uint64_t index);

// The 2x3 affine matrix from coordinates of the stored image to those of the slot: turn, crop, flips, then the
// augmentation's affine transform.
Matrix sample_matrix(const ImageInfo& info, const ImageOptions& options, StreamKey key, std::uint64_t index);

// Mirrors a slot in place: `height` rows of `width` pixels, without gaps. `row` is scratch memory.
void apply_flips(Flips flips, std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t width, std::size_t height,
                 std::vector<std::uint8_t>& row);

}  // namespace fastbatch
