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

class ScansDecoder {
 public:
  // `headers` stand at the first scan; reads to the end of the image. False: give up. That includes files in which scans
  // are missing, which libjpeg smooths, and orders of scans of which it warns.
  [[nodiscard]] bool read(Headers& headers, HuffmanCache& cache);
  // Blocks of the whole width of the image, and beyond, to the end of the last MCU.
  [[nodiscard]] BlockRows rows(unsigned component, std::size_t mcu_row) const noexcept;
  void free_if_large();

 private:
  struct Plane {
    std::size_t begin = 0;   // of its blocks in blocks_
    std::size_t stride = 0;  // in blocks
    unsigned h = 1, v = 1;
    std::uint32_t width = 0, height = 0;  // in blocks, of scans of this component alone
    std::array<std::int8_t, kBlock> missing{};  // lowest bits of each coefficient that are still to come; -1: all
  };

  // A block of a scan, and the prediction of its component.
  struct Place {
    std::size_t block;
    unsigned part;  // index in the scan
  };

  void place(const Frame& frame);
  bool note_progress(const Frame& frame, const Scan& scan);
  bool read_scan(const Headers& headers, HuffmanCache& cache);
  bool read_dc_first(const Headers& headers, HuffmanCache& cache);
  bool read_dc_refinement(const Headers& headers);
  bool read_ac_first(const Headers& headers, const AcTable& table);
  bool read_ac_refinement(const Headers& headers, const AcTable& table);
  bool read_sequential(const Headers& headers, HuffmanCache& cache);
  template <typename Decode>
  bool for_each_block(const Headers& headers, const Decode& decode);
  template <typename Decode>
  bool read_unit(const Headers& headers, std::size_t unit, Bits& bits, const Decode& decode);
  bool restart(const Headers& headers, Bits& bits, unsigned number);

  std::int16_t* block(std::size_t i) noexcept { return blocks_ + i * kBlock; }

  unsigned n_planes_ = 0;
  std::array<Plane, kMostComponents> planes_{};
  EntropyData data_;
  std::array<int, kMostComponents> previous_{};  // DC coefficients, by index in the scan
  std::uint32_t end_run_ = 0;                    // blocks to come without new coefficients
  std::vector<std::int16_t> storage_;
  std::int16_t* blocks_ = nullptr;  // in storage_, aligned
  std::vector<std::uint8_t> last_;
};

}  // namespace fastbatch::jpeg
