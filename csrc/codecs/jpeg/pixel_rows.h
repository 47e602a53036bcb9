// SPDX-License-Identifier: MIT
// Blocks of coefficients -> rows of pixels: inverse DCT, upsampling, colours; only of the blocks that a window needs.
// The pixels are those that libjpeg-turbo gives for the whole image, with JDCT_ISLOW and fancy upsampling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codecs/image.h"
#include "codecs/jpeg/frame.h"
#include "codecs/reader.h"

namespace fastbatch {

// A row of blocks of one component.
struct JpegBlockRow {
  const std::int16_t* coefficients = nullptr;  // 64 a block, row by row, not dequantised
  const std::uint8_t* last = nullptr;          // a block's zigzag index of the last coefficient that is not 0, or more
};

//   if (!rows.start(frame, denominator, window, mode)) give up;
//   for (m = rows.first_mcu_row(); m < rows.end_mcu_row(); ++m) {
//     if (!rows.push(blocks of row m)) give up;
//     while (n = rows.read(dst, 16)) ...
//   }
//
// Memory for a row of MCUs, which is kept for the next image. Threads: one at a time.
class JpegPixelRows {
 public:
  // Blocks of a component, [first, end) of a row.
  struct Columns {
    std::size_t first = 0;
    std::size_t end = 0;
  };

  // `window`: pixels of the image at scale 1/denominator, not empty, inside the image. `mode`: kRgb, kRgba, kGray or
  // kGray16. False: libjpeg refuses this file, or its quantisation is so coarse that the range cannot be checked.
  [[nodiscard]] bool start(const JpegFrame& frame, unsigned denominator, const Window& window, ColorMode mode);

  // The rows of MCUs that the window needs, and the blocks in them.
  [[nodiscard]] std::size_t first_mcu_row() const noexcept { return first_mcu_row_; }
  [[nodiscard]] std::size_t end_mcu_row() const noexcept { return end_mcu_row_; }
  [[nodiscard]] Columns columns(std::size_t component) const noexcept { return planes_[component].columns; }

  // The next row of MCUs: for each component in turn, `v` rows of blocks, each of which begins with block
  // columns(component).first. Rows of blocks below the image are not read. Call after all complete rows have been read.
  // False: a block is out of range (kernels/jpeg_idct.h), and libjpeg has to decode the file.
  [[nodiscard]] bool push(std::span<const JpegBlockRow> rows);

  [[nodiscard]] std::size_t row_bytes() const noexcept { return pixel_bytes_of(mode_) * window_.width; }
  // Complete rows of pixels that have not been read.
  [[nodiscard]] std::size_t ready() const noexcept { return complete_ - next_; }
  // Writes up to n rows without gaps, and returns their number.
  std::size_t read(std::uint8_t* dst, std::size_t n);

 private:
  // The samples of a component for one row of MCUs, below the last row of the previous one.
  struct Plane {
    ScaledComponent scaled{};
    Columns columns{};
    std::size_t v = 1;
    std::size_t first_row = 0;  // rows of samples that the window needs
    std::size_t end_row = 0;
    std::size_t stride = 0;
    std::size_t height_in_blocks = 0;
    std::vector<std::int16_t> quantizers;
    std::vector<std::uint8_t> samples;
    std::vector<std::uint8_t> upsampled;  // one row
  };

  void place(Plane& plane) const;
  void extend_edges(const Plane& plane, std::uint8_t* row) const;
  [[nodiscard]] std::uint8_t* row_of(Plane& plane, std::size_t row) const noexcept;
  const std::uint8_t* pixels_of(Plane& plane, std::size_t y);
  void write(std::size_t y, std::uint8_t* dst);
  void write_rgb(const std::uint8_t* const* planes, std::size_t channels, std::uint8_t* dst);

  JpegColors colors_ = JpegColors::kYcc;
  ColorMode mode_ = ColorMode::kRgb;
  Window window_{};
  unsigned mcu_height_ = 8;
  bool interpolates_rows_ = false;  // the last row of an MCU row needs the next MCU row
  std::size_t n_mcu_rows_ = 0;
  std::size_t first_mcu_row_ = 0;
  std::size_t end_mcu_row_ = 0;
  std::size_t mcu_row_ = 0;   // the next one
  std::size_t next_ = 0;      // row of pixels to be read next
  std::size_t complete_ = 0;  // rows before it are complete
  std::vector<Plane> planes_;
  std::vector<std::uint8_t> converted_;  // a row between colour modes
};

}  // namespace fastbatch
