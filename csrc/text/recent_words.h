// SPDX-License-Identifier: MIT
// Numbers frequent words, so that Python makes one object per word instead of one per occurrence.
#pragma once

#include <cstdint>

#include "text/block.h"
#include "text/vocabulary.h"

namespace fastbatch {

// The first kMost different words of a text. A new generation begins when most words of the text are unknown.
// Threads: one at a time.
class RecentWords {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 14;

  // Sets block.ids to numbers below kMost or to WordTable::kNone, and block.generation. The ids are empty while words
  // rarely repeat.
  void number(TextBlock& block);

 private:
  static constexpr std::uint64_t kPeriod = std::uint64_t{1} << 17;   // items between checks of the share of known ones
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 24;  // maximum pause, in items

  WordTable table_;
  std::uint64_t generation_ = 1;
  std::uint64_t n_items_ = 0;      // items of this period
  std::uint64_t n_known_ = 0;      // known items of this period
  std::uint64_t to_pass_ = 0;      // items left in the current pause
  std::uint64_t pause_ = kPeriod;  // length of the next pause, in items
};

}  // namespace fastbatch
