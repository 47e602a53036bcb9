// SPDX-License-Identifier: MIT
// The geometry of a JPEG and of its components at a scale, as libjpeg computes it. Threads: values; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/image.h"

namespace fastbatch {

enum class JpegColors : std::uint8_t { kGray, kYcc, kRgb, kCmyk, kYcck };  // CMYK as Adobe stores it: inverted

struct JpegComponent {
  unsigned h = 1;  // sampling factors, 1 to 4
  unsigned v = 1;
  std::array<std::uint16_t, 64> quantizers{};  // row by row, not in zigzag order
};

struct JpegFrame {
  ImageSize size{};
  JpegColors colors = JpegColors::kYcc;
  std::vector<JpegComponent> components{};  // 1, 3 or 4

  [[nodiscard]] unsigned most_h() const noexcept;
  [[nodiscard]] unsigned most_v() const noexcept;
  [[nodiscard]] std::size_t mcu_rows() const noexcept;  // of max_v * 8 rows of pixels
  // Blocks of a component that lie in the image; the last MCUs may contain more.
  [[nodiscard]] std::size_t width_in_blocks(std::size_t component) const noexcept;
  [[nodiscard]] std::size_t height_in_blocks(std::size_t component) const noexcept;
};

// How samples become pixels on both axes. kTriangle interpolates to twice as many; kRepeat repeats them.
enum class Upsampling : std::uint8_t { kTriangle, kRepeat };

// A component of an image at scale 1/denominator.
struct ScaledComponent {
  unsigned side = 8;      // of a block after the inverse DCT: 8, 4, 2 or 1
  std::size_t width = 0;  // samples of the image
  std::size_t height = 0;
  unsigned mcu_height = 8;  // rows of samples of a row of MCUs
  unsigned expand_x = 1;    // pixels per sample
  unsigned expand_y = 1;
  Upsampling upsampling = Upsampling::kRepeat;

  [[nodiscard]] bool interpolates_x() const noexcept { return upsampling == Upsampling::kTriangle && expand_x == 2; }
  [[nodiscard]] bool interpolates_y() const noexcept { return upsampling == Upsampling::kTriangle && expand_y == 2; }
};

struct ScaledFrame {
  ImageSize size{};         // in pixels
  unsigned mcu_height = 8;  // rows of pixels of a row of MCUs
  std::vector<ScaledComponent> components{};
};

// `denominator`: 1, 2, 4 or 8. No components: libjpeg refuses these sampling factors, or zero sizes.
ScaledFrame scaled_frame(const JpegFrame& frame, unsigned denominator);

}  // namespace fastbatch
