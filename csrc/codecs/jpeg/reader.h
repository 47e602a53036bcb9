// SPDX-License-Identifier: MIT
// JPEG files: baseline and progressive, grey, colour, and four components (CMYK, YCCK).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codecs/jpeg/turbo_reader.h"
#include "codecs/reader.h"

namespace fastbatch {

[[nodiscard]] bool is_jpeg(std::span<const std::byte> file) noexcept;  // by the first bytes

// Modes: kRgb, kRgba (opaque), kGray. Scales: 1, 1/2, 1/4, 1/8.
// Threads: one at a time.
class JpegReader final : public ImageReader {
 public:
  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override;
  void finish() override;

 private:
  TurboReader turbo_;
};

}  // namespace fastbatch
