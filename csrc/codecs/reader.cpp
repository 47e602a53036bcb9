// SPDX-License-Identifier: MIT
#include "codecs/reader.h"

#include <algorithm>
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

ImageFormat format_of(std::span<const std::byte> file) noexcept {
  using namespace std::string_view_literals;
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  if (bytes.starts_with("\xFF\xD8\xFF"sv)) return ImageFormat::kJpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n"sv)) return ImageFormat::kPng;
  if (bytes.starts_with("RIFF"sv) && bytes.substr(std::min<std::size_t>(bytes.size(), 8)).starts_with("WEBP"sv)) {
    return ImageFormat::kWebp;
  }
  return ImageFormat::kUnknown;
}

void check_pixels(ImageSize size, std::uint64_t max_pixels) {
  if (size.pixels() <= max_pixels) return;
  throw DecodeError({}, "image too large: expected at most " + std::to_string(max_pixels) + " pixels, found " +
                            std::to_string(size.width) + " x " + std::to_string(size.height));
}

}  // namespace fastbatch
