// SPDX-License-Identifier: MIT
// WebP files: lossy, lossless, with alpha. Of an animation, the first frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codecs/reader.h"

namespace fastbatch {

[[nodiscard]] bool is_webp(std::span<const std::byte> file) noexcept;  // by the first bytes

// Modes: kRgb, kRgba, kGray, kGray16. libwebp decodes whole images: start() decodes down to the last requested row;
// read_rows() only copies.
// Threads: one at a time.
class WebpReader final : public ImageReader {
 public:
  WebpReader();
  WebpReader(WebpReader&&) noexcept;
  WebpReader& operator=(WebpReader&&) noexcept;
  ~WebpReader() override;

  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override;
  void finish() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fastbatch
