// SPDX-License-Identifier: MIT
// Decodes the AC coefficients of one block in a scan of a progressive JPEG. Functions return false to give up.
// Threads: functions of their arguments; any.
#pragma once

#include <algorithm>
#include <cstdint>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/headers.h"
#include "codecs/jpeg/huffman.h"

namespace fastbatch::jpeg {

// The coefficients of a scan, by zigzag index, and the lowest bit that it codes.
struct Band {
  explicit Band(const Scan& scan)
      : first(static_cast<int>(scan.first)), last(static_cast<int>(scan.last)), bit(1 << scan.low) {}
  int first;
  int last;
  int bit;
};

[[gnu::always_inline]] inline bool is_coefficient(int value) { return value == static_cast<std::int16_t>(value); }

// A code and the value that follows it. Without a value: a run of blocks ends here, or 16 zeros follow (run 15).
struct ProgressiveSymbol {
  int run = 0;    // zeros before the value; -1: no such code
  int value = 0;  // 0: none

  [[nodiscard]] bool ends_blocks() const noexcept { return value == 0 && run < 15; }
};

// Needs 31 bits.
[[gnu::always_inline]] inline ProgressiveSymbol take_symbol(Bits& bits, const AcTable& table) {
  const std::uint32_t entry = table.entries[bits.peek(kLookUpBits)];
  bits.skip(entry & 63U);
  const int run = static_cast<int>(entry >> 8U & 127U) - 1;
  if ((entry & AcTable::kHasValue) != 0) [[likely]]
    return {run, static_cast<std::int16_t>(entry >> 16U)};
  if ((entry & AcTable::kEnd) != 0) return {};
  if (entry != 0) return {run, entry >> 16U == 0 ? 0 : bits.take_value(entry >> 16U)};
  const unsigned symbol = table.codes.take_symbol(bits);
  if (symbol == kNoSymbol) return {-1, 0};
  return {static_cast<int>(symbol >> 4U), (symbol & 15U) == 0 ? 0 : bits.take_value(symbol & 15U)};
}

// The number of blocks that end: this one, and some after it.
[[gnu::always_inline]] inline std::uint32_t take_end_run(Bits& bits, int run) {
  if (run == 0) return 1;
  const auto size = static_cast<unsigned>(run);
  const std::uint32_t more = bits.peek(size);
  bits.skip(size);
  return (1U << size) + more;
}

// `block` has zeros in the band. `end_run`: 0; then the number of blocks after this one without a coefficient.
[[gnu::always_inline]] inline bool decode_ac_first(Bits& bits, const AcTable& table, const Band& band,
                                                   std::int16_t* block, std::uint8_t& last, std::uint32_t& end_run) {
  int k = band.first - 1;
  while (k < band.last) {
    bits.refill();
    const ProgressiveSymbol symbol = take_symbol(bits, table);
    if (symbol.run < 0) return false;
    if (symbol.ends_blocks()) {
      end_run = take_end_run(bits, symbol.run) - 1;
      return true;
    }
    k += symbol.run + 1;
    if (k > band.last) return false;
    if (symbol.value == 0) continue;
    const int value = symbol.value * band.bit;
    if (!is_coefficient(value)) return false;
    block[kNatural[static_cast<unsigned>(k)]] = static_cast<std::int16_t>(value);
    last = std::max(last, static_cast<std::uint8_t>(k));
  }
  return true;
}

[[gnu::always_inline]] inline bool take_bit(Bits& bits) {
  if (bits.n == 0) [[unlikely]]
    bits.refill();
  const bool is_set = bits.peek(1) != 0;
  bits.skip(1);
  return is_set;
}

// A coefficient that is not 0 gets one more bit.
[[gnu::always_inline]] inline void refine(Bits& bits, const Band& band, std::int16_t& coefficient) {
  if (take_bit(bits)) {
    coefficient = static_cast<std::int16_t>(coefficient + (coefficient >= 0 ? band.bit : -band.bit));
  }
}

// `end_run`: blocks without new coefficients, this one included.
[[gnu::always_inline]] inline bool refine_ac(Bits& bits, const AcTable& table, const Band& band, std::int16_t* block,
                                             std::uint8_t& last, std::uint32_t& end_run) {
  int k = band.first;
  while (end_run == 0 && k <= band.last) {
    bits.refill();
    const ProgressiveSymbol symbol = take_symbol(bits, table);
    if (symbol.run < 0 || symbol.value < -1 || symbol.value > 1) return false;
    if (symbol.ends_blocks()) {
      end_run = take_end_run(bits, symbol.run);
      break;
    }
    // Over `run` zeros, to the next zero.
    int zeros = symbol.run;
    for (; k <= band.last; ++k) {
      if (k > last) {  // only zeros follow
        k += zeros;
        break;
      }
      std::int16_t& coefficient = block[kNatural[static_cast<unsigned>(k)]];
      if (coefficient != 0) {
        refine(bits, band, coefficient);
      } else if (zeros-- == 0) {
        break;
      }
    }
    if (k > band.last) {
      if (symbol.value != 0 || k > band.last + 1) return false;
      break;
    }
    if (symbol.value != 0) {
      block[kNatural[static_cast<unsigned>(k)]] = static_cast<std::int16_t>(symbol.value * band.bit);
      last = std::max(last, static_cast<std::uint8_t>(k));
    }
    ++k;
  }
  if (end_run == 0) return true;
  --end_run;
  for (const int end = std::min<int>(band.last, last); k <= end; ++k) {
    std::int16_t& coefficient = block[kNatural[static_cast<unsigned>(k)]];
    if (coefficient != 0) refine(bits, band, coefficient);
  }
  return true;
}

}  // namespace fastbatch::jpeg
