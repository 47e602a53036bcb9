// SPDX-License-Identifier: MIT
// Words and their numbers: a hash table with open addressing. Words of up to 11 bytes lie in the slots themselves, four
// to a cache line, so that a look-up touches one place; longer ones are compared with their copy in an arena.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/block.h"

namespace fastbatch {

// Words numbered as they come: 0, 1, ... Threads: one at a time; find() and ids() from any while nobody adds.
class WordTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  WordTable();

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size() - 1; }
  [[nodiscard]] std::string_view operator[](std::size_t id) const noexcept {
    return {arena_.data() + ends_[id], ends_[id + 1] - ends_[id]};
  }
  [[nodiscard]] std::uint32_t find(std::string_view word) const noexcept;  // kNone if it is not there
  std::uint32_t add(std::string_view word);  // its number, also if it was there; throws std::length_error when full

  // out[i] = number of the i-th item of the block, or `unknown`.
  void ids(const TextBlock& block, std::uint32_t unknown, std::span<std::uint32_t> out) const noexcept;
  // As ids() with kNone, but adds unknown words while there are less than `most`. Returns how many were known.
  std::size_t ids_or_add(const TextBlock& block, std::size_t most, std::span<std::uint32_t> out);
  // As add() for every item of the block, counting in `counts`, which grows with the table.
  void count(const TextBlock& block, std::vector<std::uint64_t>& counts);

  // A word of up to 11 bytes, padded with zeros, and its size; or the hash and the size of a longer one. Never 0.
  struct Key {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
  };

 private:
  struct alignas(16) Slot {
    std::uint64_t low = 0;  // of the key, as the next one
    std::uint32_t high = 0;
    std::uint32_t id = kNone;
    [[nodiscard]] bool holds(Key key) const noexcept { return ((low ^ key.low) | (high ^ key.high)) == 0; }
  };

  [[nodiscard]] std::size_t first_place(Key key) const noexcept;
  [[nodiscard]] std::size_t place_of(std::string_view word, Key key) const noexcept;
  std::uint32_t add(std::string_view word, Key key, std::size_t place);
  void grow();
  // Writes the ids of a few items at a time, from item `start` on, to ids_from(start): of a word that does not stand
  // where it is looked for first, missed(word, key).
  template <typename Table, typename Ids, typename Missed>
  static void for_items(Table& table, const TextBlock& block, const Ids& ids_from, const Missed& missed);

  std::vector<Slot> slots_;          // a power of two, at most half full
  int shift_;                        // of 64 bits, these are not needed to number the slots
  std::string arena_;                // the words, one after the other
  std::vector<std::uint64_t> ends_;  // where each ends; the first number is 0
};

// The ids of a fixed list of words. Threads: immutable once built.
class Vocabulary {
 public:
  // Throws std::invalid_argument for a word that comes twice, or more than 2^31 - 1 words.
  explicit Vocabulary(std::span<const std::string_view> words);
  [[nodiscard]] std::uint32_t unknown() const noexcept { return static_cast<std::uint32_t>(table_.size()); }
  void ids(const TextBlock& block, std::span<std::uint32_t> out) const noexcept { table_.ids(block, unknown(), out); }

 private:
  WordTable table_;
};

}  // namespace fastbatch
