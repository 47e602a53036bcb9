// SPDX-License-Identifier: MIT
// One pass over an epoch or a part of it: the window of batches that are in flight or ready.
// Owner: shared by the iterator that consumes it and the workers that fill it; dropping the iterator cancels it.
// Threads: the plan is immutable; every method is called with the owning Loader's mutex held.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "batch/buffer_pool.h"
#include "common/stop.h"
#include "decode/decoder.h"
#include "loader/task.h"
#include "plan/batch_plan.h"
#include "plan/order.h"

namespace fastbatch {

class Run {
 public:
  struct Limits {
    std::size_t depth;          // batches in flight or ready, at least 1
    std::size_t chunk_samples;  // samples per task
    std::size_t claim_samples;  // samples that a worker claims together, and for which it is woken; at least 1
    std::size_t advice_ahead;   // batches
  };

  Run(Order order, BatchPlan plan, StreamKey key, Limits limits)
      : order_(std::move(order)), plan_(plan), key_(key), limits_(limits) {}

  [[nodiscard]] const Order& order() const noexcept { return order_; }
  [[nodiscard]] const BatchPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] StreamKey key() const noexcept { return key_; }
  std::condition_variable ready;  // the front batch is ready, or the run is over

  using Pools = std::vector<std::shared_ptr<BufferPool>>;
  // Claims the next tasks of at least `samples` samples, as far as the window has room; false if there are none. New
  // batches take their buffers from `pools`. Advice is claimed first, since it is short and should be given early.
  bool claim(WorkItems& items, std::size_t samples, Pools& pools);
  // Samples to claim together; one task until the first batch was returned, so that the threads share it.
  [[nodiscard]] std::size_t claim_samples() const noexcept { return first_ == 0 ? 1 : limits_.claim_samples; }
  [[nodiscard]] bool is_worth_waking() const noexcept;  // claim_samples, or all remaining samples, can be claimed

  bool complete(Task& task);  // true: the consumer must be woken

  enum class Front { kReady, kPending, kEnd };
  [[nodiscard]] Front front() const noexcept;
  [[nodiscard]] bool is_settled() const noexcept { return cancelled() || front() != Front::kPending; }
  Batch take_front();  // front() is kReady; rethrows the batch's error, which ends the run

  void cancel() noexcept { stop_.set(); }
  [[nodiscard]] bool cancelled() const noexcept { return stop_.is_set(); }
  [[nodiscard]] const StopSignal& stop() const noexcept { return stop_; }  // set when the run is cancelled
  [[nodiscard]] std::size_t ready_batches() const noexcept;

 private:
  struct InFlight {
    Batch batch;
    std::size_t claimed = 0;  // samples given to workers
    std::size_t pending = 0;  // samples not yet completed
    std::size_t failed_at = 0;
    std::exception_ptr error;
  };
  bool claim_task(Task& task, Pools& pools);
  bool claim_advice(Task& task) noexcept;
  void open_batch(Pools& pools);
  [[nodiscard]] bool filling() const noexcept;   // the newest batch has unclaimed samples
  [[nodiscard]] bool can_open() const noexcept;  // the window has room for one more
  [[nodiscard]] std::uint64_t opened() const noexcept { return first_ + window_.size(); }  // batches since the start

  const Order order_;
  const BatchPlan plan_;
  const StreamKey key_;
  const Limits limits_;
  std::deque<InFlight> window_;  // batches [first_, first_ + window_.size()); the front is returned next
  std::uint64_t first_ = 0;
  std::uint64_t advise_next_ = 0;  // next batch to advise
  bool cold_ = false;              // the last probe found samples that are not in memory
  StopFlag stop_;                  // the run is cancelled
};

}  // namespace fastbatch
