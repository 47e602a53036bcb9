// SPDX-License-Identifier: MIT
#include "image/deep_crop.h"

#include <algorithm>
#include <cstring>

#include "common/memory.h"
#include "common/stop.h"
#include "image/resize_numbers.h"
#include "image/source_plan.h"
#include "image/turn.h"

namespace fastbatch {
namespace {

constexpr std::size_t kRowsAtOnce = 16;
constexpr std::uint32_t kMost = 65535;

// Colours times alpha, rounded to nearest, as Pillow does with 8 bits; and back, rounded down.
void premultiply(std::uint16_t* rgba, std::size_t n) {
  for (std::uint16_t* const end = rgba + 4 * n; rgba != end; rgba += 4) {
    for (std::size_t c = 0; c < 3; ++c) {
      rgba[c] = static_cast<std::uint16_t>((std::uint32_t{rgba[c]} * rgba[3] + kMost / 2) / kMost);
    }
  }
}

void unpremultiply(std::uint16_t* rgba, std::size_t n) {
  for (std::uint16_t* const end = rgba + 4 * n; rgba != end; rgba += 4) {
    const std::uint32_t alpha = rgba[3];
    if (alpha == 0 || alpha == kMost) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      rgba[c] = static_cast<std::uint16_t>(std::min(kMost * rgba[c] / alpha, kMost));
    }
  }
}

// Writes the pixels of a slot outside the image.
template <typename T>
void pad(const ImageOptions& options, std::size_t channels, double scale, std::byte* slot) {
  auto* const elements = reinterpret_cast<T*>(slot);
  for (std::size_t i = 0; i < channels * options.width * options.height; ++i) {
    const std::uint8_t value = options.pad_value[channels <= options.pad_value.size() ? i % channels : 0];
    elements[i] = static_cast<T>(scale * value);
  }
}

}  // namespace

std::byte* DeepCropper::Memory::get(std::size_t size) {
  if (size > capacity) {
    bytes.reset();
    bytes = std::make_unique_for_overwrite<std::byte[]>(size);
    capacity = size;
  }
  return bytes.get();
}

void DeepCropper::Memory::free_if_large() {
  if (capacity <= kKeptBytes) return;
  bytes.reset();
  capacity = 0;
}

void DeepCropper::fill(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
                       const ImageOptions& options, const DeepPixels& pixels, double pad_scale, std::byte* slot) {
  if (plan.wanted.width < options.width || plan.wanted.height < options.height) {
    switch (pixels.element) {
      case DType::kU16: pad<std::uint16_t>(options, pixels.channels, pad_scale, slot); break;
      case DType::kU32: pad<std::uint32_t>(options, pixels.channels, pad_scale, slot); break;
      case DType::kI32: pad<std::int32_t>(options, pixels.channels, pad_scale, slot); break;
      default: pad<float>(options, pixels.channels, pad_scale, slot);
    }
  }
  const SourcePlan source = plan_source(plan, info.size, orientation, 1, options.filter, pixels.channels);
  const Window part = scaled_window(source.source, info.size, orientation, 1);  // in the file
  const ImageRows come =
      reader.start(pixels.mode, {.window = options.exact ? Window{} : part, .denominator = 1, .is_deep = true});

  // Rows above and below the part are read, if at all, into the last rows' place.
  const std::size_t row_bytes = come.window.width * pixels.bytes();
  std::byte* const rows = stored_.get(row_bytes * (part.height + kRowsAtOnce));
  std::byte* next = rows;
  for (std::size_t y = come.window.y, n = 0;; y += n) {
    throw_if_stopped();
    const bool above = y < part.y;
    const bool inside = !above && y < part.y + part.height;
    const std::size_t most = std::min(kRowsAtOnce, above    ? part.y - y
                                                   : inside ? part.y + part.height - y
                                                            : kRowsAtOnce);
    n = reader.read_rows(reinterpret_cast<std::uint8_t*>(next), most);
    if (n == 0) break;
    if (inside) next += n * row_bytes;
  }
  reader.finish();

  const std::byte* first = rows + (part.x - come.window.x) * pixels.bytes();
  std::size_t stride = row_bytes;
  const bool weighs = pixels.mode == ColorMode::kRgba && pixels.element == DType::kU16 && !info.is_opaque &&
                      !selects_pixels(source.resize);
  if (weighs) {
    for (std::size_t y = 0; y < part.height; ++y) {
      premultiply(reinterpret_cast<std::uint16_t*>(const_cast<std::byte*>(first) + y * stride), part.width);
    }
  }
  if (orientation > 1) {
    std::byte* const upright = turned_.get(part.width * part.height * pixels.bytes());
    turn_rows(reinterpret_cast<const std::uint8_t*>(first), stride, 0, part.height,
              {static_cast<std::uint32_t>(part.width), static_cast<std::uint32_t>(part.height)}, orientation,
              pixels.bytes(), reinterpret_cast<std::uint8_t*>(upright));
    first = upright;
    stride = source.source.width * pixels.bytes();
  }
  const std::size_t slot_stride = options.width * pixels.bytes();
  std::byte* const target = slot + plan.top * slot_stride + plan.left * pixels.bytes();
  resize_numbers(source.resize, pixels.element, first, stride, target, slot_stride);
  for (std::size_t y = 0; weighs && y < plan.wanted.height; ++y) {
    unpremultiply(reinterpret_cast<std::uint16_t*>(target + y * slot_stride), plan.wanted.width);
  }
  stored_.free_if_large();
  turned_.free_if_large();
}

}  // namespace fastbatch
