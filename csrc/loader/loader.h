// SPDX-License-Identifier: MIT
// plan + decoders + threads -> batches, in order. The threads live as long as the loader, across many runs.
// Owner: joins its threads in close() or the destructor. Columns are shared.
// Threads: any thread may call anything; one run may be consumed from several threads, each batch goes to one of them.
// Fork: the child has none of the threads. It must not use a loader made before the fork, only destroy it (which leaks
// the state shared with the threads); the Python side makes a new one.
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
#include "loader/timeline.h"

namespace fastbatch {

// Counters since the loader was constructed; times are summed over threads.
struct LoaderStats {
  std::uint64_t batches = 0;  // returned by next()
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bad_samples = 0;  // skipped or replaced
  std::uint64_t filled = 0;       // truncated images whose missing pixels were filled
  double wait_s = 0;              // time that consumers waited in next()
  std::vector<double> decode_s;   // per column
  double advise_s = 0;
  std::size_t ready_batches = 0;  // now
  std::size_t threads = 0;
  std::size_t prefetch = 0;  // batches
};

struct Worker;

class Loader {
 public:
  struct Options {
    unsigned threads = 1;        // at least 1
    std::size_t batch_size = 1;  // samples per buffer
    std::size_t prefetch = 0;    // batches in flight or ready; 0: as many as fit into kDefaultPrefetchBytes, 2 to 16
    std::size_t prefetch_bytes = 0;  // upper bound on the memory of those batches (one is always allowed); 0: none
    bool advise = true;              // give the kernel readahead advice
    OnError on_error = OnError::kRaise;
    bool in_turns = true;  // workers serve the runs in turns; false: the oldest first
  };
  static constexpr std::size_t kDefaultPrefetchBytes = std::size_t{5} << 20;

  // Throws std::length_error if a batch exceeds the address space, std::system_error if no thread can be started.
  Loader(std::vector<std::shared_ptr<const Decoder>> columns, Options options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Starts to fill batches immediately. Throws ClosedError.
  std::shared_ptr<Run> start(Order order, BatchPlan plan, StreamKey key);

  enum class Status : std::uint8_t { kBatch, kEnd, kTimeout };
  // Waits for the next batch in order, at most `patience`. Throws the error of this batch; ClosedError.
  // With kSkip a batch may be empty.
  Status next(Run& run, std::chrono::milliseconds patience, Batch& batch);
  void cancel(Run& run) noexcept;  // the run has no consumer any more
  // Joins the threads, so none of them may call it. Waiting consumers get ClosedError. May be called twice.
  void close() noexcept;
  [[nodiscard]] bool is_own_thread() const;  // the calling thread is a worker of this loader
  [[nodiscard]] LoaderStats stats() const;
  // Records what each thread does, the latest `events_per_thread` events, until stop_recording().
  void start_recording(std::size_t events_per_thread);
  Timeline::Recording stop_recording();
  [[nodiscard]] std::vector<UnderWay> under_way(const Run& run) const;  // the front batch's tasks come first
  [[nodiscard]] bool is_forked_copy() const noexcept;  // this process was forked from the one with the threads

 private:
  void work(std::uint32_t number);
  // All called with the mutex held, except perform(), which locks it at its end.
  bool claim(WorkItems& items, std::shared_ptr<Run>& run);
  [[nodiscard]] bool is_worth_waking() const noexcept;
  [[nodiscard]] bool is_fully_staffed() const noexcept { return shared_->busy.size() >= options_.threads; }
  void begin(Worker& worker);
  void end(const Worker& worker) noexcept;
  bool perform(Worker& worker, Run& run, std::unique_lock<std::mutex>& lock);
  void help(Run& run, std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point until);
  std::size_t advise(const Run& run, const Task& task, std::vector<std::uint64_t>& indices) const noexcept;

  const std::vector<std::shared_ptr<const Decoder>> columns_;
  const Options options_;
  const std::uint64_t made_at_;  // fork count of the process with the threads
  Run::Limits limits_{};         // set by the constructor
  bool callers_help_ = false;    // set by the constructor: a waiting consumer decodes, in place of a worker
  std::vector<std::shared_ptr<BufferPool>> pools_;

  // The state that threads share; a forked child must not touch it.
  struct Shared {
    mutable std::mutex mutex;      // guards everything below, and every Run
    std::condition_variable work;  // there may be tasks to claim, or the loader is closing
    std::vector<std::shared_ptr<Run>> runs;
    std::size_t turn = 0;  // index of the run that is served next
    std::size_t idle_workers = 0;
    std::vector<const Worker*> busy;  // that perform tasks: workers, and consumers that help
    bool closed = false;
    LoaderStats stats;
    Timeline timeline;
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<Worker>> spare;  // for consumers that decode
  };
  std::unique_ptr<Shared> shared_;
};

}  // namespace fastbatch
