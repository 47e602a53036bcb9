// SPDX-License-Identifier: MIT
// JPEG files: baseline and progressive, grey, colour, and four components (CMYK, YCCK). Our own decoder reads what it
// can; where it gives up, libjpeg-turbo reads the file from its beginning, and decides what becomes of it. The pixels
// are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codecs/jpeg/turbo_reader.h"
#include "codecs/reader.h"

namespace fastbatch {

namespace jpeg {
class Decoder;
}

[[nodiscard]] bool is_jpeg(std::span<const std::byte> file) noexcept;  // by the first bytes

// Modes: kRgb, kRgba (opaque), kGray, kGray16. Scales: 1, 1/2, 1/4, 1/8.
// FASTBATCH_JPEG=turbo in the environment, when it is made, turns our own decoder off.
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
  void check(ColorMode mode) override;
  void use_index(const std::shared_ptr<JpegSeekIndex>& index) override;
  // Whether libjpeg-turbo decoded the image, or a part of it. After finish().
  [[nodiscard]] bool used_library() const noexcept override { return !is_own_; }

 private:
  // libjpeg-turbo from here on, which goes over the rows that were delivered.
  void fall_back();
  std::size_t read_turbo_rows(std::uint8_t* rows, std::size_t n);

  TurboReader turbo_;
  std::shared_ptr<JpegSeekIndex> index_;  // of own_
  std::unique_ptr<jpeg::Decoder> own_;    // null: turned off
  bool is_own_ = false;                   // our own decoder reads the current image
  std::span<const std::byte> file_{};
  std::uint64_t max_pixels_ = 0;
  bool is_started_ = false;
  ColorMode mode_ = ColorMode::kRgb;
  ImagePart part_{};
  Window window_{};              // that start() returned
  Window turbo_window_{};        // that of libjpeg-turbo, which covers it
  std::size_t n_delivered_ = 0;  // rows
  std::vector<std::uint8_t> wide_rows_;
};

}  // namespace fastbatch
