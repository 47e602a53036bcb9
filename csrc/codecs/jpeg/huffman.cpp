// SPDX-License-Identifier: MIT
#include "codecs/jpeg/huffman.h"

#include <algorithm>

namespace fastbatch::jpeg {
namespace {

constexpr unsigned kLookUpMask = kLookUps - 1;
constexpr unsigned kZeroRun = 0xF0;  // the symbol for 16 zeros

// The value whose `size` bits follow `used` bits of a look-up's index.
std::uint32_t value_of(std::uint32_t index, unsigned used, unsigned size) {
  const auto value = static_cast<int>((index >> (kLookUpBits - used - size)) & ((1U << size) - 1));
  const int extended = value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
  return static_cast<std::uint16_t>(extended);
}

// Calls set(index, entry's length so far) for each look-up that begins with the code.
template <typename Set>
void fill(std::uint32_t code, unsigned length, const Set& set) {
  const unsigned rest = kLookUpBits - length;
  for (std::uint32_t i = 0; i < (1U << rest); ++i) set(code << rest | i);
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
      entries[index] = size == 0 ? length | AcTable::kHasValue
                       : length + size <= kLookUpBits
                           ? (length + size) | AcTable::kHasValue | value_of(index, length, size) << 16U
                           : length | size << 16U;
    });
  });
  return true;
}

bool AcTable::build(HuffmanBytes bytes) {
  if (!codes.build(bytes)) return false;
  entries.fill(0);
  has_pairs = has_skips = false;
  codes.for_each_short([&](std::uint32_t code, unsigned length, unsigned symbol) {
    const unsigned size = symbol & 15U;
    const std::uint32_t advance = ((symbol >> 4U) + 1) << 8U;
    fill(code, length, [&](std::uint32_t index) {
      entries[index] = symbol == 0          ? length | kEnd | 64U << 8U
                       : symbol == kZeroRun ? length | kHasValue | advance
                       : size == 0          ? length | advance
                       : length + size <= kLookUpBits
                           ? (length + size) | kHasValue | advance | value_of(index, length, size) << 16U
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

void AcTable::build_skips() {
  if (has_skips) return;
  has_skips = true;
  for (std::uint32_t index = 0; index < kLookUps; ++index) {
    unsigned used = 0;
    unsigned advance = 0;
    bool ends = false;
    while (!ends) {
      const std::uint32_t entry = entries[(index << used) & kLookUpMask];
      const unsigned length = entry & 63U;
      if (length == 0 || used + length > kLookUpBits) break;
      const unsigned size = (entry & (kHasValue | kEnd)) != 0 ? 0 : entry >> 16U;
      if ((entry & (kHasValue | kEnd)) == 0 && size == 0) break;
      if (used != 0 && used + length + size > kLookUpBits) break;  // the first one may reach beyond the look-up
      used += length + size;
      ends = (entry & kEnd) != 0;
      if (!ends) advance += entry >> 8U & 127U;
      if (used >= kLookUpBits) break;
    }
    skips[index] = used | advance << 8U | (ends ? kSkipEnd : 0);
  }
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

template DcTable* HuffmanCache::find(std::vector<Kept<DcTable>>& kept, HuffmanBytes bytes);
template AcTable* HuffmanCache::find(std::vector<Kept<AcTable>>& kept, HuffmanBytes bytes);

}  // namespace fastbatch::jpeg
