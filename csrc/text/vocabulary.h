// SPDX-License-Identifier: MIT
// Words and their ids: a hash table with open addressing. Words of up to 11 bytes are stored in the slots, four per
// cache line, so that a look-up touches one line; longer words are compared with their copy in an arena.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/block.h"

namespace fastbatch {

// Words with ids 0, 1, ... in the order of insertion. Threads: one at a time; any for find() and ids() without inserts.
class WordTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  WordTable();

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size() - 1; }
  [[nodiscard]] std::string_view operator[](std::size_t id) const noexcept {
    return {arena_.data() + ends_[id], ends_[id + 1] - ends_[id]};
  }
  [[nodiscard]] std::uint32_t find(std::string_view word) const noexcept;  // kNone if the word is unknown
  std::uint32_t add(std::string_view word);  // the id of the new or existing word; throws std::length_error if full

  // out[i] = id of the i-th item of the block, or `unknown`.
  void ids(const TextBlock& block, std::uint32_t unknown, std::span<std::uint32_t> out) const noexcept;
  // As ids() with kNone, but adds unknown words up to a size of `most`. Returns the number of known items.
  std::size_t ids_or_add(const TextBlock& block, std::size_t most, std::span<std::uint32_t> out);
  // add() for every item of the block; counts[id] is incremented, and grows with the table.
  void count(const TextBlock& block, std::vector<std::uint64_t>& counts);

  // A word of up to 11 bytes, padded with zeros, and its size; or the hash and the size of a longer one. Never 0.
  struct Key {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
  };

 private:
  struct alignas(16) Slot {
    std::uint64_t low = 0;  // low and high: the key
    std::uint32_t high = 0;
    std::uint32_t id = kNone;
    [[nodiscard]] bool holds(Key key) const noexcept { return ((low ^ key.low) | (high ^ key.high)) == 0; }
  };

  [[nodiscard]] std::size_t first_place(Key key) const noexcept;
  [[nodiscard]] std::size_t place_of(std::string_view word, Key key) const noexcept;
  std::uint32_t add(std::string_view word, Key key, std::size_t place);
  void grow();
  // Writes the ids of a group of items, starting at item `start`, to ids_from(start). For a word that is not in its
  // first slot the id is missed(word, key).
  template <typename Table, typename Ids, typename Missed>
  static void for_items(Table& table, const TextBlock& block, const Ids& ids_from, const Missed& missed);

  std::vector<Slot> slots_;          // size: a power of two, at most half full
  int shift_;                        // 64 - log2(number of slots)
  std::string arena_;                // the words, concatenated
  std::vector<std::uint64_t> ends_;  // end of each word in the arena, after a leading 0
};

// The ids of a fixed list of words. Threads: immutable once built.
class Vocabulary {
 public:
  // Throws std::invalid_argument for a repeated word, or more than 2^31 - 1 words.
  explicit Vocabulary(std::span<const std::string_view> words);
  [[nodiscard]] std::uint32_t unknown() const noexcept { return static_cast<std::uint32_t>(table_.size()); }
  void ids(const TextBlock& block, std::span<std::uint32_t> out) const noexcept { table_.ids(block, unknown(), out); }

 private:
  WordTable table_;
};

}  // namespace fastbatch
