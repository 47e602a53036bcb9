// SPDX-License-Identifier: MIT
// Resizes 8-bit images to the same bytes as Pillow 13's Image.resize(size, resample, box), for any filter and box.
// Treats all channels alike, as Pillow for L, RGB, CMYK and RGBa; callers premultiply RGBA and LA by alpha.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "codecs/image.h"
#include "image/resize_axis.h"

namespace fastbatch {

// Edges in source pixels from the top left corner; may be fractional. float32, as in Pillow.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  bool operator==(const Box&) const = default;
};

struct ResizeSpec {
  std::size_t in_height = 0, in_width = 0;
  std::size_t channels = 3;  // 1 to 4, interleaved
  std::size_t out_height = 0, out_width = 0;
  Filter filter = Filter::kBilinear;
  std::optional<Box> box{};        // part of the source to resize; default: all
  std::optional<Window> window{};  // part of the output to compute (e.g. a centre crop); default: all. Same bytes.
  std::optional<Window>
      given{};  // part of the source that the caller provides; default: all. Must cover Resizer::needed().
  bool operator==(const ResizeSpec&) const = default;
};

// True if Pillow 13 runs the vertical pass first: when the height shrinks more than twice as much as the width.
[[nodiscard]] bool resizes_columns_first(const ResizeSpec& spec) noexcept;

// Weights and order of the passes for one ResizeSpec.
// Threads: immutable once built.
class Resizer {
 public:
  explicit Resizer(const ResizeSpec& spec);  // throws std::invalid_argument

  // The part of the source on which the result depends; may be empty.
  [[nodiscard]] Window needed() const noexcept;
  [[nodiscard]] const ResizeSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] std::size_t height() const noexcept { return rows_.size; }  // height of the output's window
  [[nodiscard]] std::size_t width() const noexcept { return columns_.size; }

  // src: the top left pixel of `given` (default: of the source). dst: that of the window. Strides in bytes.
  void run(const std::uint8_t* src, std::ptrdiff_t src_stride, std::uint8_t* dst, std::ptrdiff_t dst_stride,
           std::vector<std::byte>& scratch) const;

 private:
  friend class ResizeStream;
  ResizeSpec spec_;
  Window given_;  // spec_.given, or the whole source
  Axis columns_;  // horizontal
  Axis rows_;     // vertical
  bool vertical_first_ = false;
  std::size_t rows_kept_ = 0;  // source rows that must be buffered to compute the output row by row
  std::vector<std::uint32_t>
      keep_;  // per output row: the first source row that it or a later one uses, relative to rows_.first
};

// A cache of the last few Resizers of one thread, for data sets with few image sizes.
// Threads: one thread at a time.
class ResizerCache {
 public:
  explicit ResizerCache(std::size_t limit = 8) : limit_(limit) {}
  const Resizer& get(const ResizeSpec& spec);  // valid until the next get(); throws std::invalid_argument

 private:
  std::size_t limit_;
  std::vector<std::unique_ptr<const Resizer>> kept_;  // most recently used first
};

}  // namespace fastbatch
