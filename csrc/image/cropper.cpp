// SPDX-License-Identifier: MIT
#include "image/cropper.h"

#include <algorithm>

#include "codecs/color.h"
#include "codecs/registry.h"
#include "common/memory.h"
#include "common/stop.h"
#include "image/resize_stream.h"
#include "image/source_plan.h"
#include "image/turn.h"

namespace fastbatch {
namespace {

// The codec and the resize evict each other from the L1 cache whenever they alternate, so they alternate as rarely as
// the L2 cache allows; but the codec decodes at least 16 rows at a time: a row of blocks of the most common
// subsampling.
constexpr std::size_t kBytesAtOnce = std::size_t{768} << 10U;
constexpr std::size_t kFewestRowsAtOnce = 16;
constexpr unsigned kMostDenominator = 8;  // of scaling codecs

// Pillow weights colours by alpha in a resize, unless it copies pixels.
bool weighs_by_alpha(const ImageInfo& info, const SourcePlan& plan, const ImageOptions& options) {
  const bool copies =
      options.filter == Filter::kNearest || (!plan.resize.box && plan.resize.in_width == plan.resize.out_width &&
                                             plan.resize.in_height == plan.resize.out_height);
  return options.color == ColorMode::kRgba && !info.is_opaque && !copies;
}

}  // namespace

void ImageCropper::run(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
                       const ImageOptions& options, std::uint8_t* slot) {
  const std::size_t channels = channels_of(options.color);
  const bool may_scale = !options.exact && options.dct_scale && info.codec != nullptr && info.codec->scales;
  const unsigned denominator = pick_denominator(plan, may_scale ? kMostDenominator : 1);
  const SourcePlan source = plan_source(plan, info.size, orientation, denominator, options.filter, channels);
  const Resizer& resizer = resizers_.get(source.resize);
  const bool weighs = weighs_by_alpha(info, source, options);

  // The window that the resize reads: within its source, the upright image, and the stored image.
  const Window needed = resizer.needed();
  const Window upright{source.source.x + needed.x, source.source.y + needed.y, needed.width, needed.height};
  const Window stored = scaled_window(upright, info.size, orientation, denominator);
  ImagePart part;
  if (!options.exact) part = {file_window(stored, info.size, denominator), denominator};
  const ImageRows come = reader.start(options.color, part);

  const std::size_t stride = channels * come.window.width;
  const std::size_t at_once =
      std::min(std::max(kBytesAtOnce / stride, kFewestRowsAtOnce), std::max<std::size_t>(come.window.height, 1));
  rows_.resize(stride * at_once);
  const bool turns = orientation > 1;
  if (turns) turned_.resize(channels * stored.width * stored.height);

  std::uint8_t* const target = slot + (plan.top * options.width + plan.left) * channels;
  const std::size_t slot_stride = channels * options.width;
  ResizeStream resized(resizer, target, static_cast<std::ptrdiff_t>(slot_stride), scratch_, needed);
  for (std::size_t y = come.window.y; const std::size_t n = reader.read_rows(rows_.data(), at_once); y += n) {
    throw_if_stopped();
    const std::size_t begin = std::max(y, stored.y);
    const std::size_t end = std::min(y + n, stored.y + stored.height);
    if (begin >= end) continue;
    std::uint8_t* const first = rows_.data() + (begin - y) * stride + channels * (stored.x - come.window.x);
    if (weighs) {
      for (std::size_t row = 0; row < end - begin; ++row) premultiply(first + row * stride, stored.width);
    }
    if (turns) {
      turn_rows(first, stride, begin - stored.y, end - begin,
                {static_cast<std::uint32_t>(stored.width), static_cast<std::uint32_t>(stored.height)}, orientation,
                channels, turned_.data());
    } else {
      resized.push(first, static_cast<std::ptrdiff_t>(stride), end - begin);
    }
  }
  if (turns) resized.push(turned_.data(), static_cast<std::ptrdiff_t>(channels * needed.width), needed.height);
  reader.finish();
  if (weighs) {
    for (std::size_t y = 0; y < plan.wanted.height; ++y) unpremultiply(target + y * slot_stride, plan.wanted.width);
  }
  free_if_large(rows_);
  free_if_large(turned_);
  free_if_large(scratch_);
}

void ImageCropper::fill(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
                        const ImageOptions& options, std::uint8_t* slot) {
  if (plan.wanted.width < options.width || plan.wanted.height < options.height) {
    const std::size_t channels = channels_of(options.color);
    for (std::size_t i = 0; i < channels * options.width * options.height; ++i)
      slot[i] = options.pad_value[i % channels];
  }
  run(reader, info, orientation, plan, options, slot);
}

}  // namespace fastbatch
