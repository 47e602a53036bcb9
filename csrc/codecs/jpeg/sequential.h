// SPDX-License-Identifier: MIT
// Decodes the blocks of a region of a sequential JPEG in one scan, a row of MCUs at a time. What is above and beside
// the region is skipped: by known points of the data, by its restart markers, or else by its codes. What is below is
// not read. Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/blocks.h"
#include "codecs/jpeg/headers.h"
#include "codecs/jpeg/huffman.h"
#include "codecs/jpeg/seek_path.h"

namespace fastbatch::jpeg {

// Every function but rows() returns false to give up.
class SequentialDecoder {
 public:
  // `headers` stand at the scan, and stay there. Of the components in `dc_only`, the DC coefficients are decoded and
  // the others are undefined. Points are neither used nor noted in files with restart markers.
  [[nodiscard]] bool start(const Headers& headers, HuffmanCache& cache, const McuRegion& region,
                           const ComponentFlags& dc_only, const SeekUse& points = {});
  // Decodes the next row of the region. Not after the last.
  [[nodiscard]] bool next_row();
  // In place of next_row(), for a region that is the whole image: goes over the row's codes, and jumps over none.
  [[nodiscard]] bool pass_row();
  [[nodiscard]] BlockRows rows(unsigned component) const noexcept;
  // After the last row: if it was also the last of the image, reads to the end of the scan. marker(): the file offset
  // behind the scan, then.
  [[nodiscard]] bool finish();
  [[nodiscard]] std::size_t marker() const noexcept { return data_.marker(); }
  // After finish(): whether it began at known points; and all points, if there are new ones.
  [[nodiscard]] bool has_jumped() const noexcept { return path_.has_jumped(); }
  [[nodiscard]] std::unique_ptr<const SeekTable> take_points() { return path_.take(headers_->file(), n_parts_); }
  void free_if_large();

 private:
  struct Part {
    const DcTable* dc = nullptr;
    const AcTable* ac = nullptr;
    const SkipTable* skips = nullptr;  // not before it is needed
    unsigned h = 1, v = 1;
    bool dc_only = false;
    int previous = 0;        // DC coefficient of the last block
    std::size_t begin = 0;   // of its blocks in blocks_
    std::size_t stride = 0;  // in blocks
  };

  [[nodiscard]] std::uint64_t first_mcu(std::uint32_t row) const noexcept {
    return std::uint64_t{row} * headers_->frame().mcus_per_row;
  }
  bool reach(std::uint64_t mcu, std::uint64_t end);
  bool pass_points();
  [[nodiscard]] std::uint32_t limited(std::uint64_t n_mcus) const noexcept;
  bool skip(std::uint64_t n_mcus, bool jumps = true);
  bool find_skips();
  bool skip_interval(std::uint32_t n_mcus);
  bool decode(std::uint32_t n_mcus);
  bool decode_interval(std::uint32_t first, std::uint32_t n_mcus);
  bool restart();
  bool has_wide_dc() noexcept;

  const Headers* headers_ = nullptr;
  HuffmanCache* cache_ = nullptr;
  McuRegion region_{};
  unsigned n_parts_ = 0;
  std::array<Part, kMostComponents> parts_{};
  unsigned blocks_in_mcu_ = 0;
  EntropyData data_;
  std::uint32_t interval_ = 0;    // MCUs between restart markers; 0: none
  std::uint32_t to_restart_ = 0;  // MCUs to the next one
  unsigned next_restart_ = 0;     // its number, 0 to 7
  bool is_jumped_ = false;        // the interval was not decoded
  std::uint32_t row_ = 0;         // next row
  std::uint64_t mcu_ = 0;         // next MCU
  SeekPath path_;
  bool is_cut_ = false;  // data_ ends with the row
  std::vector<std::int16_t> storage_;
  std::int16_t* blocks_ = nullptr;  // in storage_, aligned
  std::vector<std::uint8_t> last_;
};

}  // namespace fastbatch::jpeg
