// SPDX-License-Identifier: MIT
// The headers of a JPEG, for the decoder of our own. It parses only what every decoder understands in the same way;
// for anything else it gives up, and libjpeg-turbo reads the file. Threads: values; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "codecs/image.h"
#include "codecs/jpeg/frame.h"

namespace fastbatch::jpeg {

inline constexpr unsigned kMostComponents = 4;
inline constexpr unsigned kBlock = 64;  // coefficients

struct Component {
  std::uint8_t id = 0;
  std::uint8_t h = 1, v = 1;  // sampling factors, 1 to 4; 1 if it is the only component
  std::uint8_t quantization = 0;
  std::uint32_t width_in_blocks = 0, height_in_blocks = 0;
};

// A Huffman table as in the file: 16 counts, then as many symbols as they sum up to. Empty: not defined.
using HuffmanBytes = std::span<const std::uint8_t>;

struct Tables {
  std::array<std::array<std::uint16_t, kBlock>, 4> quantization{};  // natural order; 0: not defined
  std::array<HuffmanBytes, 4> dc{}, ac{};
  std::uint32_t restart_interval = 0;  // in MCUs; 0: no restart markers
};

struct Frame {
  bool is_progressive = false;
  ImageSize size{};
  JpegColors colors = JpegColors::kGray;
  unsigned n_components = 0;
  std::array<Component, kMostComponents> components{};
  unsigned h_max = 1, v_max = 1;
  std::uint32_t mcus_per_row = 0, mcu_rows = 0;  // of scans with all components
};

struct Scan {
  unsigned n_components = 0;
  std::array<std::uint8_t, kMostComponents> component{}, dc{}, ac{};  // indices
  unsigned first = 0, last = kBlock - 1;                              // coefficients, zigzag index
  unsigned high = 0, low = 0;                                         // successive approximation: bit positions
  std::size_t data = 0;                                               // file offset of the entropy-coded data
};

// A file up to the next scan. Reads: SOI, tables, the frame, the first scan's header; then, after the data of each
// scan, tables and the next scan's header.
class Headers {
 public:
  // False: give up.
  [[nodiscard]] bool open(std::span<const std::byte> file);
  // `marker`: file offset of the marker after a scan's data. True: scan() is the next one, or is_end().
  [[nodiscard]] bool next_scan(std::size_t marker);

  [[nodiscard]] const Frame& frame() const noexcept { return frame_; }
  [[nodiscard]] const Tables& tables() const noexcept { return tables_; }
  [[nodiscard]] const Scan& scan() const noexcept { return scan_; }
  [[nodiscard]] bool is_end() const noexcept { return is_end_; }
  [[nodiscard]] std::span<const std::uint8_t> file() const noexcept { return file_; }
  // At the end of the file: no decoder runs out of data before it.
  [[nodiscard]] bool has_end_marker() const noexcept;

 private:
  using Segment = std::span<const std::uint8_t>;
  bool read_until_scan(std::size_t at);
  bool read_segment(std::uint8_t marker, Segment segment);
  bool read_quantization(Segment segment);
  bool read_huffman(Segment segment);
  bool read_frame(Segment segment);
  bool read_scan(Segment segment);
  bool read_app0(Segment segment);
  bool read_app14(Segment segment);
  bool choose_colors();

  std::span<const std::uint8_t> file_{};
  Frame frame_{};
  Tables tables_{};
  Scan scan_{};
  bool has_frame_ = false, has_scan_ = false, is_end_ = false;
  bool is_jfif_ = false;
  std::optional<std::uint8_t> adobe_transform_{};
};

// The zigzag order: natural (row-major) index of each position.
inline constexpr std::array<std::uint8_t, kBlock> kNatural = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

}  // namespace fastbatch::jpeg
