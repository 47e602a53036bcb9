// SPDX-License-Identifier: MIT
// Parses the chunks of a PNG file, and tolerates the faults that Pillow tolerates. Pillow's reader differs from
// libpng's: it verifies only the checksums before the pixels, requires no order of the chunks, and reads on after the
// pixels as far as it can.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/image.h"

namespace fastbatch {

// One transparent colour or index, or an alpha for each index.
struct PngTransparency {
  enum class Kind : std::uint8_t { kNone, kColor, kIndex, kAlphas };
  Kind kind = Kind::kNone;
  std::array<std::uint8_t, 3> color{};        // for gray: the first element; the low bytes, which Pillow compares
  std::array<std::uint16_t, 3> deep_color{};  // the same as stored
  std::size_t index = 0;
  std::span<const std::byte> alphas{};
};

// Threads: one at a time. Keeps views of the file.
class PngChunks {
 public:
  // Parses all chunks of the file. Throws DecodeError for errors of Pillow's open(); errors of its load() after the
  // pixels are reported by check_rest().
  explicit PngChunks(std::span<const std::byte> file, std::uint64_t max_pixels);

  [[nodiscard]] ImageSize size() const noexcept { return size_; }
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }  // bits per sample: 1, 2, 4, 8, 16
  [[nodiscard]] unsigned color() const noexcept { return color_; }  // PNG's colour type: 0, 2, 3, 4, 6
  [[nodiscard]] bool interlaced() const noexcept { return interlaced_; }
  [[nodiscard]] std::span<const std::byte> palette() const noexcept { return palette_; }  // R, G, B, R, ...
  [[nodiscard]] const PngTransparency& transparency() const noexcept { return transparency_; }
  [[nodiscard]] std::uint8_t orientation() const;

  // The compressed pixels, one piece per chunk.
  [[nodiscard]] const std::vector<std::span<const std::byte>>& pixels() const noexcept { return pixels_; }
  // Throws DecodeError if Pillow rejects a chunk after the pixels, which end in piece `last`.
  void check_rest(std::size_t last) const;

 private:
  struct Chunk {
    std::string_view type;
    std::span<const std::byte> data;  // the bytes that the file contains
    std::size_t length = 0;           // the length in the chunk's header
    [[nodiscard]] bool whole() const noexcept { return data.size() == length; }
  };
  std::optional<Chunk> next();  // empty where no chunk can begin
  void read_to_pixels();
  void read_pixels(Chunk chunk);
  void read_rest(std::optional<Chunk> chunk);
  void take(const Chunk& chunk);
  void take_header(const Chunk& chunk);
  void take_transparency(const Chunk& chunk);
  void take_profile(const Chunk& chunk);
  void take_text(const Chunk& chunk);
  void take_international_text(const Chunk& chunk);
  void take_frame(const Chunk& chunk);
  void take_sequence_number(std::uint32_t number);
  void keep_text(std::string_view key, std::string_view value);

  std::span<const std::byte> file_;
  std::size_t at_ = 0;

  ImageSize size_{};
  unsigned depth_ = 0;
  unsigned color_ = 0;
  bool interlaced_ = false;
  bool before_pixels_ = true;
  bool has_colors_ = false;  // a palette or a transparency
  bool is_odd_ = false;      // chunks in an order that is left to Pillow
  std::string_view header_;  // IHDR
  std::span<const std::byte> palette_;
  PngTransparency transparency_;
  std::vector<std::span<const std::byte>> pixels_;
  std::vector<bool> whole_;  // per piece: not truncated

  std::optional<std::uint32_t> n_frames_;              // frames of an animation
  std::optional<std::uint32_t> sequence_;              // last sequence number of the animation
  std::optional<std::array<std::uint32_t, 4>> frame_;  // x, y, width, height
  std::string rest_error_;

  std::uint64_t text_bytes_ = 0;
  std::optional<std::span<const std::byte>> exif_;
  std::string exif_text_;  // "Raw profile type exif": hexadecimal, below three lines
  std::string xmp_;
};

}  // namespace fastbatch
