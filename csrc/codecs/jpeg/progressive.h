// SPDX-License-Identifier: MIT
// Decodes all scans of a progressive JPEG into the coefficients of the image, down to the last row of a region.
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

class ProgressiveDecoder {
 public:
  // Reads the file to its end. Of the components in `dc_only`, AC coefficients are neither read nor defined. False:
  // give up.
  [[nodiscard]] bool decode(Headers& headers, HuffmanCache& cache, const McuRegion& region,
                            const ComponentFlags& dc_only);
  // In a row of MCUs of the region.
  [[nodiscard]] BlockRows rows(unsigned component, std::uint32_t mcu_row) const noexcept;
  void free_if_large();

 private:
  struct Plane {
    unsigned h = 1, v = 1;
    bool dc_only = false;
    std::size_t begin = 0, stride = 0, height = 0;  // in blocks
    std::array<std::int8_t, kBlock> low{};          // bit position that is known of each coefficient; -1: none
  };

  void place(const Frame& frame, const McuRegion& region, const ComponentFlags& dc_only);
  bool check_progression(const Frame& frame, const Scan& scan);
  bool decode_scan(const Headers& headers, HuffmanCache& cache);
  bool decode_dc_scan(const Headers& headers, HuffmanCache& cache);
  bool decode_ac_scan(const Headers& headers, HuffmanCache& cache);
  bool end_scan(const Headers& headers, bool is_complete);
  bool restart(const Headers& headers);

  McuRegion region_{};
  std::array<Plane, kMostComponents> planes_{};
  EntropyData data_;
  std::uint32_t interval_ = 0;    // MCUs between restart markers; 0: none
  std::uint32_t to_restart_ = 0;  // MCUs to the next one
  unsigned next_restart_ = 0;     // its number, 0 to 7
  std::vector<std::int16_t> storage_;
  std::int16_t* blocks_ = nullptr;  // in storage_, aligned
  std::vector<std::uint8_t> last_;
};

}  // namespace fastbatch::jpeg
