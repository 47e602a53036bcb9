// SPDX-License-Identifier: MIT
// JPEG files through libjpeg-turbo: baseline and progressive, grey, colour, and four components (CMYK, YCCK). To decode
// a part of an image, the entropy-coded data is read down to its last row, and only the part is transformed. Its pixels
// are equal to those of the whole image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "codecs/reader.h"

namespace fastbatch {

[[nodiscard]] std::string_view libjpeg_version() noexcept;  // libjpeg-turbo's, of the headers: "3.1.0"

// Modes: kRgb, kRgba (opaque), kGray. Scales: 1, 1/2, 1/4, 1/8.
// Threads: one at a time.
class TurboReader final : public ImageReader {
 public:
  TurboReader();
  TurboReader(TurboReader&&) noexcept;
  TurboReader& operator=(TurboReader&&) noexcept;
  ~TurboReader() override;

  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  // For a progressive JPEG this reads all scans.
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override;
  void finish() override;
  void close();  // frees all memory; before the next read_header()

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fastbatch
