// SPDX-License-Identifier: MIT
// plan + decoders + threads -> batches, in order. The threads live as long as the loader; runs come and go.
// Owner: joins its threads in close() or the destructor. Columns are shared with their builder.
// Threads: any thread may call anything; one run may be consumed from several threads, each batch goes to one of them.
// Fork: the child has none of the threads. It must not call a loader made before the fork, only destroy it (which leaks
// the dead threads' state); the Python side makes a new one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "batch/buffer_pool.h"
#include "decode/decoder.h"
#include "loader/run.h"

namespace fastbatch {

// Counters since the loader was constructed; times are summed over threads.
struct LoaderStats {
  std::uint64_t batches = 0;  // handed out
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bad_samples = 0;  // left out or replaced
  double wait_s = 0;              // consumers waited this long in next()
  std::vector<double> decode_s;   // for each column
  double advise_s = 0;
  std::size_t ready_batches = 0;  // now
  std::size_t threads = 0;
  std::size_t prefetch = 0;  // batches
};

class Loader {
 public:
  struct Options {
    unsigned threads = 1;            // at least 1
    std::size_t batch_size = 1;      // samples a buffer holds
    std::size_t prefetch = 0;        // batches in flight or ready; 0: as many as kDefaultPrefetchBytes hold, 2 to 16
    std::size_t prefetch_bytes = 0;  // upper bound on the memory of those batches (one is always allowed); 0: none
    bool advise = true;              // give the kernel readahead advice
    OnError on_error = OnError::kRaise;
  };
  static constexpr std::size_t kDefaultPrefetchBytes = std::size_t{4} << 20;

  // Throws std::length_error when a batch is larger than the address space, std::system_error when no thread can start.
  Loader(std::vector<std::shared_ptr<const Decoder>> columns, Options options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Begins to fill batches at once. Throws ClosedError.
  std::shared_ptr<Run> start(Order order, BatchPlan plan, StreamKey key);

  enum class Status : std::uint8_t { kBatch, kEnd, kTimeout };
  // Waits for the next batch in order, at most `patience`. Throws the error of this batch, if a worker met one;
  // ClosedError. With kSkip a batch may have no samples left.
  Status next(Run& run, std::chrono::milliseconds patience, Batch& batch);
  void cancel(Run& run) noexcept;  // the run's consumer is gone
  void close() noexcept;           // joins the threads; consumers that wait get ClosedError; may be called twice
  [[nodiscard]] LoaderStats stats() const;
  [[nodiscard]] bool is_forked_copy() const noexcept;  // this process was forked from the one that has the threads

 private:
  struct Worker;  // a thread's decoding state
  void work();
  // With the mutex held, but perform(), which takes it at its end.
  bool claim(WorkItems& items, std::shared_ptr<Run>& run);
  [[nodiscard]] bool is_worth_waking() const noexcept;
  bool perform(Worker& worker, Run& run, std::unique_lock<std::mutex>& lock);
  void help(Run& run, std::unique_lock<std::mutex>& lock);
  std::size_t advise(const Run& run, const Task& task, std::vector<std::uint64_t>& indices) const noexcept;

  const std::vector<std::shared_ptr<const Decoder>> columns_;
  const Options options_;
  const std::uint64_t made_at_;  // fork: this process has the threads
  Run::Limits limits_{};         // fixed by the constructor
  bool callers_help_ = false;    // fixed too: a consumer may decode the batch that it waits for
  std::vector<std::shared_ptr<BufferPool>> pools_;

  // Everything that threads share and that a forked child must leave alone.
  struct Shared {
    mutable std::mutex mutex;      // guards all below, and every Run
    std::condition_variable work;  // there may be something to claim, or the loader closes
    std::vector<std::shared_ptr<Run>> runs;
    std::size_t turn = 0;  // which run is asked first
    std::size_t idle_workers = 0;
    bool closed = false;
    LoaderStats stats;
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<Worker>> spare;  // for callers that help
  };
  std::unique_ptr<Shared> shared_;
};

}  // namespace fastbatch
