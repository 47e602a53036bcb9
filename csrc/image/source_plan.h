// SPDX-License-Identifier: MIT
// The part of a file that a crop needs, and the scale at which the codec should deliver it. No pixels here.
// Threads: functions of their arguments; any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/image.h"
#include "image/geometry.h"
#include "image/resize.h"

namespace fastbatch {

// The upright image at 1/denominator; its part `source` is what `resize` resizes, as if nothing were around it.
struct SourcePlan {
  unsigned denominator = 1;
  Window source{};
  ResizeSpec resize{};
};

// The smallest scale, 1/largest at least, at which the codec leaves kSpare times the pixels of the result on each axis.
[[nodiscard]] unsigned pick_denominator(const CropPlan& plan, unsigned largest) noexcept;

// `plan` is of the upright image. At scale 1 the result is that of the plan; at smaller ones `source` is
// rounded outwards and the resize starts between pixels.
SourcePlan plan_source(const CropPlan& plan, ImageSize stored, std::uint8_t orientation, unsigned denominator,
                       Filter filter, std::size_t channels);

// A part of the upright scaled image -> where it lies in the scaled image as stored, and in the file.
Window scaled_window(const Window& upright, ImageSize stored, std::uint8_t orientation, unsigned denominator) noexcept;
Window file_window(const Window& scaled, ImageSize stored, unsigned denominator) noexcept;

}  // namespace fastbatch
