// SPDX-License-Identifier: MIT
#include "text/recent_words.h"

#include <algorithm>

namespace fastbatch {

void RecentWords::number(TextBlock& block) {
  if (to_pass_ != 0) {
    to_pass_ -= std::min<std::uint64_t>(to_pass_, block.n_items);
    block.ids.clear();
    return;
  }
  block.ids.resize(block.n_items);
  block.generation = generation_;
  n_known_ += table_.ids_or_add(block, kMost, block.ids);
  n_items_ += block.n_items;
  if (n_items_ < kPeriod) return;
  if (2 * n_known_ >= n_items_) {
    pause_ = kPeriod;
  } else {
    table_ = {};
    ++generation_;
    to_pass_ = pause_;
    pause_ = std::min(2 * pause_, kLongest);
  }
  n_items_ = n_known_ = 0;
}

}  // namespace fastbatch
