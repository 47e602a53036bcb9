// SPDX-License-Identifier: MIT
// Decodes or skips one block of a sequential JPEG. For the loops over MCUs, which keep the bits in registers.
// Threads: functions of their arguments; any.
#pragma once

#include <cstdint>
#include <cstring>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/huffman.h"

namespace fastbatch::jpeg {

inline constexpr int kBadBlock = -1;

// The zigzag order, and behind it the place of one coefficient too many: in the next block, before the file is given
// up.
inline constexpr auto kNaturalOrNext = [] {
  std::array<std::uint8_t, 128> order{};
  order.fill(kBlock);
  for (unsigned k = 0; k < kBlock; ++k) order[k] = kNatural[k];
  return order;
}();

// Zeros, in vectors: a call of memset becomes one instruction, which needs longer to start than this takes.
[[gnu::always_inline]] inline void clear(std::int16_t* block) {
  using Vector [[gnu::vector_size(16), gnu::may_alias]] = std::int16_t;
  auto* const vectors = reinterpret_cast<Vector*>(block);
  for (unsigned i = 0; i < kBlock / 8; ++i) vectors[i] = Vector{};
}

// Adds the next difference. False: a bad code.
[[gnu::always_inline]] inline bool decode_dc(Bits& bits, const DcTable& table, int& dc) {
  bits.refill();
  const std::uint32_t entry = table.entries[bits.peek(kLookUpBits)];
  if ((entry & AcTable::kHasValue) != 0) [[likely]] {
    dc += static_cast<std::int16_t>(entry >> 16U);
    bits.skip(entry & 63U);
    return true;
  }
  unsigned size = entry >> 16U;
  if (entry != 0) {
    bits.skip(entry & 63U);
  } else {
    size = table.codes.take_symbol(bits);
    if (size == kNoSymbol) return false;
  }
  if (size != 0) dc += bits.take_value(size);
  return true;
}

// A symbol that is not in pairs or a SkipTable as a whole. Returns the new position, at most 63, or kBadBlock; a block
// that ends sets `ends`.
template <bool kStore>
[[gnu::always_inline]] inline int decode_slowly(Bits& bits, const AcTable& table, int k, std::int16_t* block,
                                                bool& ends) {
  const std::uint32_t entry = table.entries[bits.peek(kLookUpBits)];
  unsigned advance = entry >> 8U & 127U;
  unsigned size = entry >> 16U;
  if ((entry & AcTable::kEnd) != 0) {
    bits.skip(entry & 63U);
    ends = true;
    return k;
  }
  if ((entry & AcTable::kHasValue) != 0) {
    bits.skip(entry & 63U);
    k += static_cast<int>(advance);
    if (k > 63) return kBadBlock;
    if constexpr (kStore) block[kNatural[static_cast<unsigned>(k)]] = static_cast<std::int16_t>(entry >> 16U);
    return k;
  }
  if (entry != 0) {
    bits.skip(entry & 63U);
  } else {
    const unsigned symbol = table.codes.take_symbol(bits);
    if (symbol == kNoSymbol) return kBadBlock;
    size = symbol & 15U;
    advance = (symbol >> 4U) + 1;
    if (symbol == 0) {
      ends = true;
      return k;
    }
    if (symbol == 0xF0) {
      k += 16;
      return k > 63 ? kBadBlock : k;
    }
  }
  if (size == 0) return kBadBlock;  // a run of blocks: in progressive files only
  k += static_cast<int>(advance);
  if (k > 63) return kBadBlock;
  const int value = bits.take_value(size);
  if constexpr (kStore) block[kNatural[static_cast<unsigned>(k)]] = static_cast<std::int16_t>(value);
  return k;
}

// Decodes the AC coefficients into a block of zeros. Returns the zigzag index of the last one, or more; or kBadBlock.
[[gnu::always_inline]] inline int decode_ac(Bits& bits, const AcTable& table, std::int16_t* block) {
  unsigned k = 0;
  for (;;) {
    bits.refill();
    for (int round = 0; round < 2; ++round) {
      const std::uint64_t pair = table.pairs[bits.peek(kLookUpBits)];
      if ((pair & AcTable::kHasValue) == 0) [[unlikely]] {
        bool ends = false;
        const int at = decode_slowly<true>(bits, table, static_cast<int>(k), block, ends);
        if (ends || at == 63 || at == kBadBlock) return at;
        k = static_cast<unsigned>(at);
        break;  // it may have taken 31 bits
      }
      const unsigned first = k + static_cast<unsigned>(pair >> 8U & 127U);
      if (first >= 63) [[unlikely]] {
        bits.skip(static_cast<unsigned>(pair >> 56U));
        if (first == 63) {
          block[63] = static_cast<std::int16_t>(pair >> 24U);
          return 63;
        }
        return first - k == 64 ? static_cast<int>(k) : kBadBlock;  // the end of the block, or too many
      }
      k = first + static_cast<unsigned>(pair >> 16U & 127U);
      bits.skip(static_cast<unsigned>(pair & 63U));
      block[kNaturalOrNext[first]] = static_cast<std::int16_t>(pair >> 24U);
      block[kNaturalOrNext[k]] = static_cast<std::int16_t>(pair >> 40U);
      if ((pair & AcTable::kEnd) != 0) return static_cast<int>(k);
      if (k >= 63) return k == 63 ? 63 : kBadBlock;
    }
  }
}

// Goes over the AC coefficients behind a position. The bits are refilled, and one look-up was taken since, at most.
// False: a bad code.
[[gnu::always_inline]] inline bool skip_ac(Bits& bits, const AcTable& table, const SkipTable& skips, unsigned k) {
  for (int round = 1;; round = 0) {
    for (; round < 2; ++round) {
      const std::uint32_t entry = skips.ac[bits.peek(kSkipBits)];
      const unsigned after = k + (entry >> 6U & 127U);
      // A code that is not here, or a block that may be full before the end of the look-up.
      if (after >= 63) [[unlikely]] {
        bool ends = false;
        const int at = decode_slowly<false>(bits, table, static_cast<int>(k), nullptr, ends);
        if (at == kBadBlock) return false;
        if (ends || at == 63) return true;
        k = static_cast<unsigned>(at);
        break;
      }
      bits.skip(entry & 63U);
      if ((entry & SkipTable::kEnd) != 0) return true;
      k = after;
    }
    bits.refill();
  }
}

// Goes over a block, and adds its difference. False: a bad code.
[[gnu::always_inline]] inline bool skip_block(Bits& bits, const DcTable& dc_table, const AcTable& ac_table,
                                              const SkipTable& skips, int& dc) {
  bits.refill();
  const std::uint32_t entry = skips.with_dc[bits.peek(kSkipBits)];
  if ((entry & SkipTable::kMissing) != 0) [[unlikely]] {
    if (!decode_dc(bits, dc_table, dc)) return false;
    bits.refill();
    return skip_ac(bits, ac_table, skips, 0);
  }
  bits.skip(entry & 63U);
  dc += static_cast<std::int32_t>(entry) >> 16;
  return (entry & SkipTable::kEnd) != 0 || skip_ac(bits, ac_table, skips, entry >> 6U & 63U);
}

}  // namespace fastbatch::jpeg
