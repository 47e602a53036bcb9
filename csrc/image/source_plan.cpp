// SPDX-License-Identifier: MIT
#include "image/source_plan.h"

#include <algorithm>
#include <cmath>

namespace fastbatch {
namespace {

// Codecs scale with a box-like filter. With this many of their pixels per output pixel on each axis, the following
// resize hides the difference.
constexpr std::size_t kSpare = 2;

ImageSize scaled_size(ImageSize size, unsigned denominator) {
  return {(size.width + denominator - 1) / denominator, (size.height + denominator - 1) / denominator};
}

// [begin, begin + size) of an axis of `length` pixels, on the scaled axis. `mirrored`: the codec counts from the other
// end, where the scaled image may end within a pixel.
struct ScaledRange {
  std::size_t begin, size;  // whole pixels
  double low, high;         // edges, from `begin`
};
ScaledRange scale_range(std::size_t begin, std::size_t size, std::size_t length, unsigned denominator, bool mirrored) {
  const std::size_t scaled_length = (length + denominator - 1) / denominator;
  const double d = denominator;
  const double shift = mirrored ? static_cast<double>(scaled_length) - static_cast<double>(length) / d : 0.0;
  const double low = static_cast<double>(begin) / d + shift;
  const double high = static_cast<double>(begin + size) / d + shift;
  const auto first = static_cast<std::size_t>(low);
  const std::size_t end = std::min(static_cast<std::size_t>(std::ceil(high)), scaled_length);
  return {first, end - first, low - static_cast<double>(first), high - static_cast<double>(first)};
}

}  // namespace

unsigned pick_denominator(const CropPlan& plan, unsigned largest) noexcept {
  unsigned denominator = 1;
  while (denominator < largest && plan.source.width >= 2 * kSpare * denominator * plan.scaled.width &&
         plan.source.height >= 2 * kSpare * denominator * plan.scaled.height) {
    denominator *= 2;
  }
  return denominator;
}

SourcePlan plan_source(const CropPlan& plan, ImageSize stored, std::uint8_t orientation, unsigned denominator,
                       Filter filter, std::size_t channels) {
  const ImageSize upright = turned(stored, orientation);
  // The upright x (y) axis runs against its axis in the file.
  const bool mirrored_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool mirrored_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const ScaledRange x = scale_range(plan.source.x, plan.source.width, upright.width, denominator, mirrored_x);
  const ScaledRange y = scale_range(plan.source.y, plan.source.height, upright.height, denominator, mirrored_y);
  SourcePlan result;
  result.denominator = denominator;
  result.source = {x.begin, y.begin, x.size, y.size};
  ResizeSpec& resize = result.resize;
  resize.in_height = y.size;
  resize.in_width = x.size;
  resize.channels = channels;
  resize.out_height = plan.scaled.height;
  resize.out_width = plan.scaled.width;
  resize.filter = filter;
  if (denominator > 1) resize.box = Box{x.low, y.low, x.high, y.high};
  if (plan.wanted != Window{0, 0, plan.scaled.width, plan.scaled.height}) resize.window = plan.wanted;
  return result;
}

Window scaled_window(const Window& upright, ImageSize stored, std::uint8_t orientation, unsigned denominator) noexcept {
  return stored_window(upright, scaled_size(stored, denominator), orientation);
}

Window file_window(const Window& scaled, ImageSize stored, unsigned denominator) noexcept {
  Window window{scaled.x * denominator, scaled.y * denominator, scaled.width * denominator,
                scaled.height * denominator};
  window.width = std::min<std::size_t>(window.width, stored.width - window.x);
  window.height = std::min<std::size_t>(window.height, stored.height - window.y);
  return window;
}

}  // namespace fastbatch
