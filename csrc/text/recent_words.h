// SPDX-License-Identifier: MIT
// Numbers frequent words, so that Python makes one object of each and not one for each occurrence.
#pragma once

#include <cstdint>

#include "text/block.h"
#include "text/vocabulary.h"

namespace fastbatch {

// The first words of a text, up to kMost different ones; text whose words have become others begins a new generation.
// Threads: one at a time.
class RecentWords {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 14;

  // Fills block.ids with numbers below kMost, or WordTable::kNone, and block.generation; or leaves the ids empty
  // while words hardly repeat.
  void number(TextBlock& block);

 private:
  static constexpr std::uint64_t kPeriod = std::uint64_t{1} << 17;   // items after which is seen how many were known
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 24;  // items to pass without looking

  WordTable table_;
  std::uint64_t generation_ = 1;
  std::uint64_t n_items_ = 0;      // of this period
  std::uint64_t n_known_ = 0;      // of those
  std::uint64_t to_pass_ = 0;      // items that go by unnumbered
  std::uint64_t pause_ = kPeriod;  // how many those are when the words are new again
};

}  // namespace fastbatch
