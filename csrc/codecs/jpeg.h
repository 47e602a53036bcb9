// SPDX-License-Identifier: MIT
// JPEG files: baseline and progressive, grey, colour, and four components (CMYK, YCCK). What libjpeg cannot leave
// out (the codes of everything above the last row that is wanted) it reads; what it can, it leaves out: columns and
// rows outside the part, and everything below it. The pixels of a part are those of the whole image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codecs/reader.h"

namespace fastbatch {

[[nodiscard]] bool is_jpeg(std::span<const std::byte> file) noexcept;  // by the first bytes

// Modes: kRgb, kRgba (opaque), kGray. Scales: 1, 1/2, 1/4, 1/8.
// Threads: one at a time.
class JpegReader final : public ImageReader {
 public:
  JpegReader();
  JpegReader(JpegReader&&) noexcept;
  JpegReader& operator=(JpegReader&&) noexcept;
  ~JpegReader() override;

  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  // For a progressive JPEG this reads all scans.
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override;
  void finish() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fastbatch
