// SPDX-License-Identifier: MIT
// PNG files: all colour types and depths, interlaced or not. Of an animation, the first image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codecs/reader.h"

namespace fastbatch {

[[nodiscard]] bool is_png(std::span<const std::byte> file) noexcept;  // by the first bytes

// Modes: all that Pillow's convert() supports for the file's mode: kIndex from a palette only, kGray16 from all but a
// palette, kGrayAlpha only from itself. Delivers exactly the requested rows; rows above them are read, rows below are
// not. An interlaced image is held in memory until finish().
// Threads: one at a time.
class PngReader final : public ImageReader {
 public:
  PngReader();
  PngReader(PngReader&&) noexcept;
  PngReader& operator=(PngReader&&) noexcept;
  ~PngReader() override;

  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override;
  void finish() override;
  void check(ColorMode mode) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fastbatch
