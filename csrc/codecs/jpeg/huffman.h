// SPDX-License-Identifier: MIT
// Huffman tables as look-ups by the next bits: code and value in one entry, two coefficients in one entry, or all
// symbols that fit, to be skipped. Threads: tables immutable, any; the cache one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "codecs/jpeg/bits.h"
#include "codecs/jpeg/headers.h"

namespace fastbatch::jpeg {

inline constexpr unsigned kLookUpBits = 10;  // more evict each other from the L1 cache
inline constexpr std::size_t kLookUps = std::size_t{1} << kLookUpBits;
inline constexpr unsigned kSkipBits = 12;
inline constexpr std::size_t kSkips = std::size_t{1} << kSkipBits;
inline constexpr unsigned kNoSymbol = 256;

// The codes by their length, for those that are longer than the look-up.
class LongCodes {
 public:
  // False: the counts are no prefix code, or not one that libjpeg accepts.
  [[nodiscard]] bool build(HuffmanBytes bytes);
  // Takes a code of any length; kNoSymbol: there is no such code.
  unsigned take_symbol(Bits& bits) const noexcept {
    const std::uint32_t next = bits.peek(16);
    unsigned length = 1;
    while (next >= end_[length]) ++length;
    if (length > 16) return kNoSymbol;
    bits.skip(length);
    return symbols_[(next >> (16 - length)) + first_[length]];
  }
  // Calls visit(code, length, symbol) for the codes that fit a look-up.
  template <typename Visit>
  void for_each_short(const Visit& visit, unsigned most = kLookUpBits) const {
    for (unsigned length = 1, n = 0, code = 0; length <= most; ++length, code <<= 1U) {
      for (unsigned i = 0; i < counts_[length]; ++i) visit(code++, length, symbols_[n++]);
    }
  }
  [[nodiscard]] bool has_symbol_above(unsigned most) const noexcept;

 private:
  std::array<std::uint8_t, 17> counts_{};
  std::array<std::uint8_t, 256> symbols_{};
  std::array<std::uint32_t, 18> end_{};    // of the codes of a length, as 16 bits; the last ends the search
  std::array<std::uint32_t, 17> first_{};  // index of a length's symbols minus its first code, modulo 2^32
};

// Differences of DC coefficients.
struct DcTable {
  LongCodes codes;
  // Bits 0-5: length; bit 6: has the value, in bits 16-31; else the value has bits 16-19 bits. 0: a long code.
  std::array<std::uint32_t, kLookUps> entries;

  [[nodiscard]] bool build(HuffmanBytes bytes);
};

struct AcTable {
  // Bits 0-5: length; 8-15: positions to advance, the value's included; 16-31: value, of kHasValue. 0: a long code.
  // Without kHasValue and kEnd: bits 16-19, the size of the value that follows; 0: a run of blocks ends.
  std::array<std::uint32_t, kLookUps> entries;
  // Bits 0-5: length of all; 8-14, 16-22: positions to advance; 24-39, 40-55: values; 56-63: length of the first.
  // The second may be the first again, with no advance. kEnd: the block ends after the first.
  std::array<std::uint64_t, kLookUps> pairs;
  LongCodes codes;
  bool has_pairs = false;

  static constexpr std::uint32_t kHasValue = 64, kEnd = 128;

  [[nodiscard]] bool build(HuffmanBytes bytes);
  void build_pairs();
};

// All symbols of a block that fit a look-up, to be skipped.
struct SkipTable {
  // Bits 0-5: length, at most kMostSkipped; 6-12: positions to advance, 64 for a code that is not here; 13: the block
  // ends.
  std::array<std::uint16_t, kSkips> ac;
  // The DC code, and the AC codes behind it. Bits 16-31: the difference.
  std::array<std::uint32_t, kSkips> with_dc;

  static constexpr std::uint32_t kMissing = 64U << 6U, kEnd = 1U << 13U;
  // Two look-ups, or one and a symbol of any length, take at most the 56 bits of a refill.
  static constexpr unsigned kMostSkipped = 25;

  // The bytes of a DC table that was accepted, then those of an AC table.
  [[nodiscard]] bool build(HuffmanBytes bytes);
};

// The tables used last, by their bytes in the file: most photographs share one of a few.
class HuffmanCache {
 public:
  // Null: no table. Valid until the cache has made kMost others.
  DcTable* dc(HuffmanBytes bytes) { return find(dc_, bytes); }
  AcTable* ac(HuffmanBytes bytes) { return find(ac_, bytes); }
  // Of tables that were found before.
  const SkipTable* skips(HuffmanBytes dc, HuffmanBytes ac);

  static constexpr std::size_t kMost = 12;

 private:
  template <typename Table>
  struct Kept {
    std::vector<std::uint8_t> bytes;
    std::unique_ptr<Table> table;
    std::uint64_t used = 0;
  };
  template <typename Table>
  Table* find(std::vector<Kept<Table>>& kept, HuffmanBytes bytes);

  std::vector<Kept<DcTable>> dc_;
  std::vector<Kept<AcTable>> ac_;
  std::vector<Kept<SkipTable>> skips_;
  std::vector<std::uint8_t> both_;  // bytes of two tables
  std::uint64_t clock_ = 0;
};

}  // namespace fastbatch::jpeg
