// SPDX-License-Identifier: MIT
// Counts the words of a text with several threads, each with its own blocks and table. Threads: any may call, each with
// its own source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/stop.h"
#include "text/block.h"
#include "text/files.h"

namespace fastbatch {

struct WordCount {
  std::string word;
  std::uint64_t count = 0;
};

// Words by falling count, those with the same count in the order of their bytes; at most max_words, of at least
// min_count. Throws StoppedError soon after `stop` is set, and what reading and decoding throw.
std::vector<WordCount> count_words(TextSource& source, const TextFormat& format, unsigned threads,
                                   std::size_t max_words, std::uint64_t min_count, const StopSignal& stop);

// Items of the whole text.
std::uint64_t count_items(TextSource& source, const TextFormat& format, unsigned threads, const StopSignal& stop);

}  // namespace fastbatch
