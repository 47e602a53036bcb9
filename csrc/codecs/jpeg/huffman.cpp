// SPDX-License-Identifier: MIT
#include "codecs/jpeg/huffman.h"

#include <algorithm>
#include <numeric>

namespace fastbatch::jpeg {
namespace {

constexpr unsigned kLookUpMask = kLookUps - 1;
constexpr unsigned kZeroRun = 0xF0;  // the symbol for 16 zeros

// The value of `size` bits that `rest` bits of a look-up's index follow.
std::uint32_t value_of(std::uint32_t index, unsigned rest, unsigned size) {
  const auto value = static_cast<int>((index >> rest) & ((1U << size) - 1));
  const int extended = value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
  return static_cast<std::uint16_t>(extended);
}

// Calls set(index, entry's length so far) for each look-up that begins with the code.
template <typename Set>
void fill(std::uint32_t code, unsigned length, const Set& set) {
  const unsigned rest = kLookUpBits - length;
  for (std::uint32_t i = 0; i < (1U << rest); ++i) set(code << rest | i);
}

// The symbol with which each look-up of kSkipBits begins, as an entry of SkipTable. Bits 16-19: length of its code,
// 20-23: of the value behind it. 0: the code is longer, or is none.
using Symbols = std::array<std::uint32_t, kSkips>;

bool find_symbols(HuffmanBytes bytes, bool is_ac, Symbols& symbols) {
  LongCodes codes;
  if (!codes.build(bytes)) return false;
  symbols.fill(0);
  codes.for_each_short(
      [&](std::uint32_t code, unsigned length, unsigned symbol) {
        const unsigned size = symbol & 15U;
        if (is_ac && size == 0 && symbol != 0 && symbol != kZeroRun) return;  // in progressive files only
        const std::uint32_t entry = length << 16U | size << 20U | (length + size);
        std::fill_n(symbols.begin() + (code << (kSkipBits - length)), std::size_t{1} << (kSkipBits - length),
                    !is_ac        ? entry
                    : symbol == 0 ? entry | SkipTable::kEnd
                                  : entry | ((symbol >> 4U) + 1) << 6U);
      },
      kSkipBits);
  return true;
}

// Entries for the symbols in the last n bits of a look-up: of the bits x, at (1 << n) + x. 0: no symbol fits.
using Suffixes = std::array<std::uint32_t, 2 * kSkips>;

constexpr std::uint32_t kEntry = 0xFFFF, kLength = 63;

// Needs the entries for fewer bits. The last value may reach beyond the bits.
std::uint32_t suffix_entry(const Symbols& symbols, const Suffixes& shorter, std::uint32_t bits, unsigned n_bits) {
  const std::uint32_t symbol = symbols[bits << (kSkipBits - n_bits)];
  const std::uint32_t entry = symbol & kEntry;
  const unsigned length = symbol & kLength;
  if (length < n_bits && symbol != 0) [[likely]] {
    if ((symbol & SkipTable::kEnd) != 0) return entry;
    const std::uint32_t left = 1U << (n_bits - length);
    const std::uint32_t both = entry + shorter[left | (bits & (left - 1))];
    return (both & SkipTable::kMissing) == 0 ? both : entry;  // a block has no 64 positions more
  }
  const bool fits = (symbol >> 16U & 15U) <= n_bits && length <= n_bits + SkipTable::kMostSkipped - kSkipBits;
  return fits ? entry : 0;
}

}  // namespace

bool LongCodes::build(HuffmanBytes bytes) {
  std::copy_n(bytes.begin(), 16, counts_.begin() + 1);
  std::copy(bytes.begin() + 16, bytes.end(), symbols_.begin());
  std::uint32_t code = 0;
  std::uint32_t n = 0;
  for (unsigned length = 1; length <= 16; ++length, code <<= 1U) {
    first_[length] = n - code;
    n += counts_[length];
    code += counts_[length];
    if (code > (1U << length) - (counts_[length] != 0 ? 1U : 0U)) return false;  // no code is all ones
    end_[length] = code << (16 - length);
  }
  end_[17] = UINT32_MAX;
  return true;
}

bool LongCodes::has_symbol_above(unsigned most) const noexcept {
  std::size_t n = 0;
  for (const std::uint8_t count : counts_) n += count;
  return std::any_of(symbols_.begin(), symbols_.begin() + static_cast<std::ptrdiff_t>(n),
                     [&](std::uint8_t symbol) { return symbol > most; });
}

bool DcTable::build(HuffmanBytes bytes) {
  if (!codes.build(bytes) || codes.has_symbol_above(15)) return false;
  entries.fill(0);
  codes.for_each_short([&](std::uint32_t code, unsigned length, unsigned size) {
    fill(code, length, [&](std::uint32_t index) {
      entries[index] = size == 0                      ? length | AcTable::kHasValue
                       : length + size <= kLookUpBits ? (length + size) | AcTable::kHasValue |
                                                            value_of(index, kLookUpBits - length - size, size) << 16U
                                                      : length | size << 16U;
    });
  });
  return true;
}

bool AcTable::build(HuffmanBytes bytes) {
  if (!codes.build(bytes)) return false;
  entries.fill(0);
  has_pairs = false;
  codes.for_each_short([&](std::uint32_t code, unsigned length, unsigned symbol) {
    const unsigned size = symbol & 15U;
    const std::uint32_t advance = ((symbol >> 4U) + 1) << 8U;
    fill(code, length, [&](std::uint32_t index) {
      entries[index] = symbol == 0                    ? length | kEnd | 64U << 8U
                       : symbol == kZeroRun           ? length | kHasValue | advance
                       : size == 0                    ? length | advance
                       : length + size <= kLookUpBits ? (length + size) | kHasValue | advance |
                                                            value_of(index, kLookUpBits - length - size, size) << 16U
                                                      : length | advance | size << 16U;
    });
  });
  return true;
}

void AcTable::build_pairs() {
  if (has_pairs) return;
  has_pairs = true;
  for (std::uint32_t index = 0; index < kLookUps; ++index) {
    const std::uint64_t first = entries[index];
    const std::uint64_t length = first & 63U;
    const std::uint64_t advance = first >> 8U & 127U;
    const std::uint64_t value = first >> 16U;
    if ((first & (kHasValue | kEnd)) == 0) {
      pairs[index] = 0;
      continue;
    }
    std::uint64_t pair = kHasValue | (first & kEnd) | advance << 8U | value << 24U | length << 56U;
    const std::uint64_t second = entries[(index << length) & kLookUpMask];
    const std::uint64_t both = length + (second & 63U);
    const bool fits = (first & kEnd) == 0 && (second & (kHasValue | kEnd)) != 0 && both <= kLookUpBits;
    if (fits && (second & kHasValue) != 0) {
      pair |= both | (second >> 8U & 127U) << 16U | (second >> 16U) << 40U;
    } else {
      pair |= (fits ? both | kEnd : length) | value << 40U;
    }
    pairs[index] = pair;
  }
}

bool SkipTable::build(HuffmanBytes bytes) {
  const std::size_t n_dc = 16 + std::accumulate(bytes.begin(), bytes.begin() + 16, std::size_t{0});
  Symbols symbols;
  if (!find_symbols(bytes.subspan(n_dc), true, symbols)) return false;
  Suffixes suffixes;
  suffixes[1] = 0;
  for (unsigned n = 1; n <= kSkipBits; ++n) {
    for (std::uint32_t x = 0; x < 1U << n; ++x) suffixes[(1U << n) + x] = suffix_entry(symbols, suffixes, x, n);
  }
  if (!find_symbols(bytes.first(n_dc), false, symbols)) return false;
  for (std::uint32_t index = 0; index < kSkips; ++index) {
    const std::uint32_t entry = suffixes[kSkips + index];
    ac[index] = static_cast<std::uint16_t>(entry == 0 ? kMissing : entry);
    const std::uint32_t symbol = symbols[index];
    const unsigned length = symbol & kLength;
    if (symbol == 0 || length > kSkipBits) {
      with_dc[index] = kMissing;
      continue;
    }
    const unsigned size = symbol >> 20U;
    const std::uint32_t value = size == 0 ? 0 : value_of(index, kSkipBits - length, size);
    const std::uint32_t left = 1U << (kSkipBits - length);
    with_dc[index] = (length + suffixes[left | (index & (left - 1))]) | value << 16U;
  }
  return true;
}

template <typename Table>
Table* HuffmanCache::find(std::vector<Kept<Table>>& kept, HuffmanBytes bytes) {
  if (bytes.empty()) return nullptr;
  const auto found =
      std::ranges::find_if(kept, [&](const Kept<Table>& entry) { return std::ranges::equal(entry.bytes, bytes); });
  if (found != kept.end()) {
    found->used = ++clock_;
    return found->table.get();
  }
  if (kept.size() < kMost) {
    kept.push_back({.bytes = {}, .table = std::make_unique<Table>()});
  }
  Kept<Table>& oldest = *std::ranges::min_element(kept, {}, &Kept<Table>::used);
  oldest.bytes.clear();
  if (!oldest.table->build(bytes)) return nullptr;
  oldest.bytes.assign(bytes.begin(), bytes.end());
  oldest.used = ++clock_;
  return oldest.table.get();
}

const SkipTable* HuffmanCache::skips(HuffmanBytes dc, HuffmanBytes ac) {
  both_.assign(dc.begin(), dc.end());
  both_.insert(both_.end(), ac.begin(), ac.end());
  return find(skips_, both_);
}

template DcTable* HuffmanCache::find(std::vector<Kept<DcTable>>& kept, HuffmanBytes bytes);
template AcTable* HuffmanCache::find(std::vector<Kept<AcTable>>& kept, HuffmanBytes bytes);

}  // namespace fastbatch::jpeg
