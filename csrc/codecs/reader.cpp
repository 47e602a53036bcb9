// SPDX-License-Identifier: MIT
#include "codecs/reader.h"

#include <string>

namespace fastbatch {

std::size_t channels_of(ColorMode mode) noexcept {
  switch (mode) {
    case ColorMode::kRgb: return 3;
    case ColorMode::kRgba: return 4;
    case ColorMode::kGrayAlpha: return 2;
    case ColorMode::kGray:
    case ColorMode::kGray16:
    case ColorMode::kIndex: break;
  }
  return 1;
}

std::size_t pixel_bytes_of(ColorMode mode) noexcept { return mode == ColorMode::kGray16 ? 2 : channels_of(mode); }

void check_pixels(ImageSize size, std::uint64_t max_pixels) {
  if (size.pixels() <= max_pixels) return;
  throw DecodeError({}, "image too large: expected at most " + std::to_string(max_pixels) + " pixels, found " +
                            std::to_string(size.width) + " x " + std::to_string(size.height));
}

}  // namespace fastbatch
