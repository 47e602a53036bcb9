// SPDX-License-Identifier: MIT
// Decodes the AC coefficients of one block in a scan of a progressive JPEG. Functions return false to give up.
// Threads: functions of their arguments; any.
#pragma once

#include <bit>
#include <cstdint>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/headers.h"
#include "codecs/jpeg/huffman.h"

namespace fastbatch::jpeg {

// A set of coefficients of a block: a bit for each zigzag index.
using Coefficients = std::uint64_t;
constexpr Coefficients from_index(unsigned k) { return k > 63 ? 0 : ~Coefficients{0} << k; }

// The coefficients of a scan, by zigzag index, and the lowest bit that it codes.
struct Band {
  explicit Band(const Scan& scan)
      : first(scan.first), last(scan.last), all(from_index(first) & ~from_index(last + 1)), bit(1 << scan.low) {}
  unsigned first;
  unsigned last;
  Coefficients all;
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

// `block` has zeros in the band. `nonzero`: of the block. `end_run`: 0; then the number of blocks after this one
// without a coefficient.
[[gnu::always_inline]] inline bool decode_ac_first(Bits& bits, const AcTable& table, const Band& band,
                                                   std::int16_t* block, Coefficients& nonzero, std::uint32_t& end_run) {
  unsigned k = band.first - 1;
  while (k < band.last) {
    bits.refill();
    const ProgressiveSymbol symbol = take_symbol(bits, table);
    if (symbol.run < 0) return false;
    if (symbol.ends_blocks()) {
      end_run = take_end_run(bits, symbol.run) - 1;
      return true;
    }
    k += static_cast<unsigned>(symbol.run) + 1;
    if (k > band.last) return false;
    if (symbol.value == 0) continue;
    const int value = symbol.value * band.bit;
    if (!is_coefficient(value)) return false;
    block[kNatural[k]] = static_cast<std::int16_t>(value);
    nonzero |= Coefficients{1} << k;
  }
  return true;
}

// Each of these coefficients, which are not 0, grows by its next bit.
[[gnu::always_inline]] inline void refine(Bits& bits, int bit, Coefficients coefficients, std::int16_t* block) {
  if (coefficients == 0) return;
  constexpr unsigned kRefilled = 56;
  bits.refill();
  for (unsigned n = 0; coefficients != 0; coefficients &= coefficients - 1, ++n) {
    if (n == kRefilled) [[unlikely]]
      bits.refill();
    std::int16_t& value = block[kNatural[static_cast<unsigned>(std::countr_zero(coefficients))]];
    const int more = bits.peek(1) != 0 ? bit : 0;
    bits.skip(1);
    value = static_cast<std::int16_t>(value + (value < 0 ? -more : more));
  }
}

// `end_run`: blocks without new coefficients, this one included.
[[gnu::always_inline]] inline bool refine_ac(Bits& bits, const AcTable& table, const Band& band, std::int16_t* block,
                                             Coefficients& nonzero, std::uint32_t& end_run) {
  const Coefficients before = nonzero & band.all;
  Coefficients rest = band.all;  // what is still to be decoded
  while (end_run == 0 && rest != 0) {
    bits.refill();
    const ProgressiveSymbol symbol = take_symbol(bits, table);
    if (symbol.run < 0 || symbol.value < -1 || symbol.value > 1) return false;
    if (symbol.ends_blocks()) {
      end_run = take_end_run(bits, symbol.run);
      break;
    }
    // Over `run` zeros, to the next zero. Coefficients on the way are refined.
    Coefficients zeros = rest & ~before;
    for (int i = 0; i < symbol.run; ++i) zeros &= zeros - 1;
    if (zeros == 0) return false;
    const auto k = static_cast<unsigned>(std::countr_zero(zeros));
    const Coefficients behind = from_index(k + 1);
    refine(bits, band.bit, rest & before & ~behind, block);
    if (symbol.value != 0) {
      block[kNatural[k]] = static_cast<std::int16_t>(symbol.value * band.bit);
      nonzero |= Coefficients{1} << k;
    }
    rest &= behind;
  }
  if (end_run == 0) return true;
  --end_run;
  refine(bits, band.bit, rest & before, block);
  return true;
}

}  // namespace fastbatch::jpeg
