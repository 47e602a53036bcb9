// SPDX-License-Identifier: MIT
// Decodes one block's share of a scan of a progressive JPEG. For the loops over MCUs, which keep the bits in registers.
// Threads: functions of their arguments; any.
#pragma once

#include <algorithm>
#include <cstdint>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/block_decoder.h"
#include "codecs/jpeg/huffman.h"

namespace fastbatch::jpeg {

// The band of coefficients of a scan, and the bit position that it sends.
struct Band {
  int first = 1, last = 63;
  unsigned low = 0;
};

// A symbol of AC coefficients.
struct AcSymbol {
  bool is_good = true;
  bool ends = false;  // the band ends here, in `end_run` blocks, this one included
  int advance = 0;    // positions, that of the value included
  int value = 0;      // 0: a run of 16 zeros
  std::uint32_t end_run = 0;
};

[[gnu::always_inline]] inline AcSymbol take_ac_symbol(Bits& bits, const AcTable& table) {
  bits.refill();
  const std::uint32_t entry = table.entries[bits.peek(kLookUpBits)];
  if ((entry & AcTable::kHasValue) != 0) [[likely]] {
    bits.skip(entry & 63U);
    return {.advance = static_cast<int>(entry >> 8U & 127U), .value = static_cast<std::int16_t>(entry >> 16U)};
  }
  unsigned run = (entry >> 8U & 127U) - 1;
  unsigned size = entry >> 16U;
  if ((entry & AcTable::kEnd) != 0) {
    bits.skip(entry & 63U);
    return {.ends = true, .end_run = 1};
  }
  if (entry != 0) {
    bits.skip(entry & 63U);
  } else {
    const unsigned symbol = table.codes.take_symbol(bits);
    if (symbol == kNoSymbol) return {.is_good = false};
    run = symbol >> 4U;
    size = symbol & 15U;
  }
  if (size != 0) return {.advance = static_cast<int>(run) + 1, .value = bits.take_value(size)};
  if (run == 15) return {.advance = 16};
  std::uint32_t end_run = 1U << run;
  if (run != 0) {
    end_run += bits.peek(run);
    bits.skip(run);
  }
  return {.ends = true, .end_run = end_run};
}

// The first scan of a band, into a block of zeros there. `end_run`: blocks whose band is over; 0 on entry. Returns the
// zigzag index of the last coefficient, or 0, or kBadBlock.
[[gnu::always_inline]] inline int decode_band(Bits& bits, const AcTable& table, const Band& band, std::int16_t* block,
                                              std::uint32_t& end_run) {
  int k = band.first - 1;
  while (k < band.last) {
    const AcSymbol symbol = take_ac_symbol(bits, table);
    if (symbol.ends) {
      end_run = symbol.end_run - 1;
      break;
    }
    k += symbol.advance;
    if (!symbol.is_good || k > band.last) return kBadBlock;
    block[kNatural[static_cast<unsigned>(k)]] = static_cast<std::int16_t>(symbol.value * (1 << band.low));
  }
  return k < band.first ? 0 : k;
}

[[gnu::always_inline]] inline bool take_bit(Bits& bits) {
  if (bits.n == 0) bits.refill();
  const bool is_set = bits.peek(1) != 0;
  bits.skip(1);
  return is_set;
}

// Refines coefficients from position k on, which is advanced: goes over those that are not zero, and stops at the zero
// after `zeros` others, or behind `last`.
[[gnu::always_inline]] inline void refine(Bits& bits, std::int16_t* block, int step, int last, int zeros, int& k) {
  for (; k <= last; ++k) {
    std::int16_t& value = block[kNatural[static_cast<unsigned>(k)]];
    if (value == 0) {
      if (zeros-- == 0) return;
    } else if (take_bit(bits)) {
      value = static_cast<std::int16_t>(value + (value > 0 ? step : -step));
    }
  }
}

// A later scan of a band. `known`: the zigzag index of the block's last coefficient so far. Returns the new one, or
// kBadBlock.
[[gnu::always_inline]] inline int refine_band(Bits& bits, const AcTable& table, const Band& band, int known,
                                              std::int16_t* block, std::uint32_t& end_run) {
  const int step = 1 << band.low;
  int k = band.first;
  while (end_run == 0 && k <= band.last) {
    const AcSymbol symbol = take_ac_symbol(bits, table);
    if (symbol.ends) {
      end_run = symbol.end_run;
      break;
    }
    if (!symbol.is_good || symbol.value > 1 || symbol.value < -1) return kBadBlock;
    refine(bits, block, step, band.last, symbol.advance - 1, k);
    if (symbol.value != 0) {
      if (k > band.last) return kBadBlock;
      block[kNatural[static_cast<unsigned>(k)]] = static_cast<std::int16_t>(symbol.value * step);
      known = std::max(known, k);
    }
    ++k;
  }
  if (end_run > 0) {
    refine(bits, block, step, std::min(band.last, known), 64, k);
    --end_run;
  }
  return known;
}

}  // namespace fastbatch::jpeg
