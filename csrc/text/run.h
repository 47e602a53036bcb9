// SPDX-License-Identifier: MIT
// One pass over a text: threads read blocks and find their items ahead; next() makes batches of the items, in order.
//
//   source.read()  one thread at a time, numbers the blocks   ->  find_items()  in parallel   ->  window, in order
//
// Threads: any may call next() and close(); each batch goes to one of them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/joined_thread.h"
#include "text/block.h"
#include "text/files.h"
#include "text/recent_words.h"
#include "text/vocabulary.h"

namespace fastbatch {

class TextBlockPool;

struct TextBatch {
  // Items [first, first + n) of a block.
  struct Part {
    std::shared_ptr<const TextBlock> block;
    std::size_t first = 0;
    std::size_t n = 0;
  };
  std::vector<Part> parts;
  std::size_t n_items = 0;
  std::uint64_t number = 0;       // number of the batch within this run
  TextPosition after{};           // position at which a run continues after this batch of all ranks
  std::uint64_t items_after = 0;  // items of all ranks from the run's start to `after`
};

class TextRun {
 public:
  struct Options {
    TextFormat format{};
    std::size_t batch_size = 1;  // > 0
    bool drop_last = false;
    std::uint64_t rank = 0;                          // this run returns batches rank, rank + world_size, ...
    std::uint64_t world_size = 1;                    // > 0
    unsigned threads = 1;                            // > 0
    std::size_t blocks_ahead = 4;                    // > 0
    std::shared_ptr<const Vocabulary> vocabulary{};  // sets the ids of the blocks; may be null
    bool number_recent = false;                      // without a vocabulary: one RecentWords per thread sets them
    bool pack = false;                               // pack the items of blocks by pack_items()
    bool chop = false;                               // pack lines without their newlines
    std::uint64_t most_batches = std::numeric_limits<std::uint64_t>::max();  // the run ends after them
  };
  enum class Status : std::uint8_t { kBatch, kEnd, kTimeout };

  TextRun(std::unique_ptr<TextSource> source, Options options);
  TextRun(const TextRun&) = delete;
  TextRun& operator=(const TextRun&) = delete;
  ~TextRun();  // joins the threads

  // Waits for the next batch. An error is thrown once, after all whole batches before it. kEnd after that and after the
  // last batch. Throws ClosedError after close().
  Status next(std::chrono::milliseconds timeout, TextBatch& batch);
  // As next() with timeout 0; also kTimeout if another thread is in next().
  Status try_next(TextBatch& batch);
  void close();

 private:
  struct Slot {
    std::shared_ptr<TextBlock> block;  // null: the end of the text
    std::exception_ptr error;          // set instead of a block
  };

  static constexpr std::uint64_t kNoBlock = std::numeric_limits<std::uint64_t>::max();

  void work(std::size_t thread) noexcept;
  bool wait_for_room();
  Slot make(std::uint64_t& number, std::size_t thread);
  void publish(std::uint64_t number, Slot slot);
  Status assemble(std::chrono::milliseconds timeout, TextBatch& batch);
  enum class Supply : std::uint8_t { kItems, kNone, kTimeout };
  Supply supply(std::chrono::milliseconds timeout);
  void pass_items();
  Status deliver(TextBatch& batch);

  const std::unique_ptr<TextSource> source_;  // guarded by source_mutex_
  const Options options_;
  const std::shared_ptr<TextBlockPool> pool_;

  std::mutex source_mutex_;
  std::uint64_t next_block_ = 0;  // guarded by source_mutex_, as is the next field
  bool source_has_ended_ = false;

  std::mutex mutex_;  // guards the rest of this group
  std::condition_variable room_, filled_;
  std::deque<std::optional<Slot>> window_;  // blocks number first_ and following
  std::uint64_t first_ = 0;
  std::size_t claimed_ = 0;           // blocks being made or in the window
  std::atomic<bool> closed_ = false;  // set under the lock, read without it

  std::mutex consumer_mutex_;               // guards the rest; taken before mutex_
  std::shared_ptr<const TextBlock> front_;  // the block whose items are being returned
  std::size_t front_used_ = 0;              // items of front_ already used
  bool ended_ = false;                      // front_ is the last block
  std::exception_ptr error_;                // thrown at the end
  std::uint64_t n_batches_ = 0;             // returned batches
  std::uint64_t n_items_ = 0;               // items passed, of all ranks
  std::uint64_t in_round_ = 0;              // batches passed in the current round of world_size
  std::size_t in_batch_ = 0;                // items passed in the current batch
  TextBatch building_;                      // a batch that is incomplete, or whose round is

  std::vector<RecentWords> recent_;  // one per thread, if options_.number_recent
  std::vector<JoinedThread> threads_;
};

}  // namespace fastbatch
