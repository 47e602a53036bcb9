// SPDX-License-Identifier: MIT
// The segments of a JPEG before its first scan, as Pillow reads them. Threads: values; any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fastbatch {

struct JpegSegments {
  // Why only Pillow knows what becomes of the file; null for almost all files. Pillow refuses some segments that
  // libjpeg skips, and libjpeg's versions differ in lossless JPEG and in a second frame.
  const char* oddity = nullptr;
  std::string exif{};  // with its title; several segments joined
  std::string_view xmp{};

  [[nodiscard]] std::uint8_t orientation() const;  // 1 to 8
};

[[nodiscard]] JpegSegments read_jpeg_segments(std::span<const std::byte> file);

}  // namespace fastbatch
