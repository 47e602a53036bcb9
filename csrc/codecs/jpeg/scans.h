// SPDX-License-Identifier: MIT
// Decodes JPEGs of several scans, progressive or not: all coefficients of an image are in memory until the last scan.
// Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/blocks.h"
#include "codecs/jpeg/headers.h"
#include "codecs/jpeg/huffman.h"

namespace fastbatch::jpeg {

// Functions that return bool return false to give up.
class ScansDecoder {
 public:
  // `headers` stand at the first scan; reads to the end of the image. Gives up, among others, on files in which scans
  // are missing, which libjpeg smooths, and on orders of scans of which it warns.
  // Rows of MCUs below the region are not decoded, nor, of the components in `dc_only`, AC coefficients of progressive
  // files.
  [[nodiscard]] bool read(Headers& headers, HuffmanCache& cache, const McuRegion& region,
                          const ComponentFlags& dc_only);
  // A row of MCUs of the region, from its left edge on.
  [[nodiscard]] BlockRows rows(unsigned component, std::size_t mcu_row) const noexcept;
  void free_if_large();

 private:
  struct Plane {
    std::size_t begin = 0;   // of its blocks in blocks_
    std::size_t stride = 0;  // in blocks
    std::size_t h = 1, v = 1;
    bool dc_only = false;
    std::array<std::int8_t, kBlock> missing{};  // bits of each coefficient that are still to come; -1: all
  };

  void place(const Frame& frame, const ComponentFlags& dc_only);
  bool note_progress(const Frame& frame, const Scan& scan);
  [[nodiscard]] bool is_complete() const noexcept;
  bool read_scan(const Headers& headers, HuffmanCache& cache);
  bool read_sequential(const Headers& headers, HuffmanCache& cache);
  bool read_dc_first(const Headers& headers, HuffmanCache& cache);
  bool read_dc_refinement(const Headers& headers);
  bool read_ac_first(const Headers& headers, const AcTable& table);
  bool read_ac_refinement(const Headers& headers, const AcTable& table);
  // Calls decode(bits, index of a block, index of its component in the scan) for the blocks of a scan.
  template <typename Decode>
  bool for_each_block(const Headers& headers, const Decode& decode);
  template <typename Decode>
  bool decode_mcu(const Scan& scan, std::size_t x, std::size_t y, Bits& bits, const Decode& decode);
  bool restart(const Headers& headers, unsigned number, Bits& bits);
  bool pass_over(const Headers& headers);

  McuRegion region_{};
  unsigned n_planes_ = 0;
  std::array<Plane, kMostComponents> planes_{};
  std::size_t below_ = 0;  // index of the block for all below the region
  int n_scans_ = 0;
  EntropyData data_;
  std::array<int, kMostComponents> previous_{};  // DC coefficients, by index in the scan
  std::uint32_t end_run_ = 0;                    // blocks to come without a new coefficient
  std::vector<std::int16_t> storage_;
  std::int16_t* blocks_ = nullptr;      // in storage_, aligned
  std::vector<std::uint64_t> nonzero_;  // per block of a progressive file: a bit for each zigzag index
  std::vector<std::uint8_t> last_;      // per block: zigzag index of the last coefficient that is not 0
};

}  // namespace fastbatch::jpeg
