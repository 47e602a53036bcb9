// SPDX-License-Identifier: MIT
// Words and their numbers: a hash table with open addressing over words that lie in one arena.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/text_block.h"

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
  // As add() for every item of the block, counting in `counts`, which grows with the table.
  void count(const TextBlock& block, std::vector<std::uint64_t>& counts);

 private:
  struct Slot {
    std::uint32_t tag = 0;  // the upper half of the hash
    std::uint32_t id = kNone;
  };

  [[nodiscard]] std::size_t place_of(std::string_view word, std::uint64_t hash) const noexcept;
  std::uint32_t add(std::string_view word, std::uint64_t hash);
  void grow();

  std::vector<Slot> slots_;          // a power of two, at most half full
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
