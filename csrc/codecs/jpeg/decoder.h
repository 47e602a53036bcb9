// SPDX-License-Identifier: MIT
// Our own JPEG decoder: libjpeg-turbo's pixels, faster, of the files that every decoder reads in the same way. It gives
// up on all others, which JpegReader then reads with libjpeg-turbo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codecs/jpeg/headers.h"
#include "codecs/jpeg/huffman.h"
#include "codecs/jpeg/pixel_rows.h"
#include "codecs/jpeg/scans.h"
#include "codecs/jpeg/seek_index.h"
#include "codecs/jpeg/sequential.h"
#include "codecs/reader.h"
#include "common/digest.h"

namespace fastbatch::jpeg {

// Functions return false, or nothing, to give up. The rows that were read until then are libjpeg's, too.
// Threads: one at a time.
class Decoder {
 public:
  // For all files to come; may be null. The owner keeps it.
  void use_index(JpegSeekIndex* index) noexcept { index_ = index; }
  [[nodiscard]] bool open(std::span<const std::byte> file);
  [[nodiscard]] const Frame& frame() const noexcept { return headers_.frame(); }
  // The window is what `part` asks for, and no more.
  [[nodiscard]] std::optional<ImageRows> start(ColorMode mode, const ImagePart& part);
  // Reads up to n rows; `got` is their number in any case.
  [[nodiscard]] bool read_rows(std::uint8_t* rows, std::size_t n, std::size_t& got);
  // In place of start(), read_rows() and finish(): goes over all data of the image, and makes no pixels.
  [[nodiscard]] bool check(ColorMode mode);
  // After the last row of the window.
  [[nodiscard]] bool finish();

 private:
  bool next_mcu_row();
  void take_block_rows();
  McuRegion region() const;
  SeekUse look_up(const McuRegion& region);
  void note();
  void forget();

  Headers headers_;
  HuffmanCache tables_;
  SequentialDecoder sequential_;  // of files of one scan
  ScansDecoder scans_;            // of others
  bool has_scans_ = false;
  JpegSeekIndex* index_ = nullptr;
  Digest digest_{};                         // of the file, if it is indexed
  std::shared_ptr<const SeekTable> known_;  // of the file
  McuRegion region_{};
  JpegPixelRows pixels_;
  std::vector<JpegBlockRow> block_rows_;
  std::uint32_t row_ = 0;       // next row of MCUs
  std::uint32_t last_row_ = 0;  // after which all pixels are there
  bool reads_below_ = false;    // one row of MCUs more is read, as libjpeg does
  bool ends_image_ = false;     // the window reaches the last row
  std::size_t rows_left_ = 0;   // of the window
};

}  // namespace fastbatch::jpeg
