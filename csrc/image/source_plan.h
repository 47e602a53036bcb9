// SPDX-License-Identifier: MIT
// The part of a file that a crop needs, and the scale at which the codec should deliver it, without pixels.
// Threads: functions of their arguments; any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/image.h"
#include "image/geometry.h"
#include "image/resize.h"

namespace fastbatch {

// The upright image at scale 1/denominator, whose part `source` is the input of `resize`.
struct SourcePlan {
  unsigned denominator = 1;
  Window source{};
  ResizeSpec resize{};
};

// The smallest scale, at least 1/largest, at which each axis has kSpare times the pixels of the result.
[[nodiscard]] unsigned pick_denominator(const CropPlan& plan, unsigned largest) noexcept;

// `plan` refers to the upright image. At scale 1 the result is exactly the plan; at smaller scales `source` is rounded
// outwards and the resize starts at a fractional pixel.
SourcePlan plan_source(const CropPlan& plan, ImageSize stored, std::uint8_t orientation, unsigned denominator,
                       Filter filter, std::size_t channels);

// Maps a window of the upright scaled image to the stored scaled image; and that to pixels of the file.
Window scaled_window(const Window& upright, ImageSize stored, std::uint8_t orientation, unsigned denominator) noexcept;
Window file_window(const Window& scaled, ImageSize stored, unsigned denominator) noexcept;

}  // namespace fastbatch
