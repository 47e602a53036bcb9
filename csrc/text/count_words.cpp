// SPDX-License-Identifier: MIT
#include "text/count_words.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <string_view>

#include "common/joined_thread.h"
#include "text/items.h"
#include "text/vocabulary.h"

namespace fastbatch {
namespace {

constexpr std::size_t kWordsAtOnce = 4096;  // between two questions whether to stop

// Calls visit(thread, block) for every block, each thread with blocks of its own. Rethrows what was thrown first.
template <typename Visit>
void for_blocks(TextSource& source, const TextFormat& format, unsigned threads, const StopSignal& stop,
                const Visit& visit) {
  std::mutex mutex;  // guards the source and the following variables
  bool has_ended = false;
  std::exception_ptr error;
  const auto work = [&](unsigned thread) noexcept {
    const StopScope scope(stop);
    TextBlock block;
    for (;;) {
      try {
        {
          const std::lock_guard lock(mutex);
          block.clear();
          throw_if_stopped();
          if (has_ended || !source.read(block)) return;
        }
        find_items(block, format, source);
        visit(thread, block);
        if (block.error) std::rethrow_exception(block.error);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        has_ended = true;
        return;
      }
    }
  };
  {
    std::vector<JoinedThread> others;
    for (unsigned thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
    work(0);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace

std::vector<WordCount> count_words(TextSource& source, const TextFormat& format, unsigned threads,
                                   std::size_t max_words, std::uint64_t min_count, const StopSignal& stop) {
  struct Counts {
    WordTable table;
    std::vector<std::uint64_t> counts;
  };
  std::vector<Counts> all(threads);
  for_blocks(source, format, threads, stop,
             [&](unsigned thread, const TextBlock& block) { all[thread].table.count(block, all[thread].counts); });
  Counts& total = all[0];
  for (std::size_t thread = 1; thread < all.size(); ++thread) {
    for (std::size_t id = 0; id < all[thread].table.size(); ++id) {
      if (id % kWordsAtOnce == 0 && stop.is_set()) throw StoppedError();
      const std::uint32_t place = total.table.add(all[thread].table[id]);
      if (place == total.counts.size()) total.counts.push_back(0);
      total.counts[place] += all[thread].counts[id];
    }
    all[thread] = {};
  }
  std::vector<std::uint32_t> order;
  for (std::uint32_t id = 0; id < total.table.size(); ++id) {
    if (total.counts[id] >= min_count) order.push_back(id);
  }
  const std::size_t n = std::min(max_words, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                    [&, n_compared = std::size_t{0}](std::uint32_t a, std::uint32_t b) mutable {
                      if (++n_compared % kWordsAtOnce == 0 && stop.is_set()) throw StoppedError();
                      if (total.counts[a] != total.counts[b]) return total.counts[a] > total.counts[b];
                      return total.table[a] < total.table[b];  // char_traits<char> compares bytes as unsigned
                    });
  std::vector<WordCount> words;
  for (std::size_t i = 0; i < n; ++i) {
    words.push_back({std::string(total.table[order[i]]), total.counts[order[i]]});
  }
  return words;
}

std::uint64_t count_items(TextSource& source, const TextFormat& format, unsigned threads, const StopSignal& stop) {
  std::atomic<std::uint64_t> n{0};
  for_blocks(source, format, threads, stop, [&](unsigned, const TextBlock& block) { n += block.n_items; });
  return n;
}

}  // namespace fastbatch
