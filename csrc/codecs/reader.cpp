// SPDX-License-Identifier: MIT
#include "codecs/reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/stop.h"

namespace fastbatch {

namespace {

constexpr std::size_t kScratchBytes = std::size_t{1} << 18U;  // rows that are decoded together and dropped

}  // namespace

std::size_t channels_of(ColorMode mode) noexcept {
  switch (mode) {
    case ColorMode::kRgb: return 3;
    case ColorMode::kRgba: return 4;
    case ColorMode::kGrayAlpha: return 2;
    case ColorMode::kGray:
    case ColorMode::kGray16:
    case ColorMode::kStored:
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

void ImageReader::check(ColorMode mode) {
  const ImageRows rows = start(mode, {});
  const std::size_t row_bytes = rows.window.width * pixel_bytes_of(mode);
  const std::size_t n = std::max<std::size_t>(1, kScratchBytes / std::max<std::size_t>(1, row_bytes));
  std::vector<std::uint8_t> scratch(row_bytes * std::min(n, rows.window.height));
  while (read_rows(scratch.data(), std::min(n, rows.window.height)) != 0) throw_if_stopped();
  finish();
}

}  // namespace fastbatch
