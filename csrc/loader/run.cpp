// SPDX-License-Identifier: MIT
#include "loader/run.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fastbatch {

namespace {
// While all data is in memory, every eighth batch is probed, which is cheap, to notice when the page cache is dropped.
constexpr std::uint64_t kWarmProbeInterval = 8;
}  // namespace

bool Run::filling() const noexcept { return !window_.empty() && window_.back().claimed < window_.back().batch.samples; }

bool Run::can_open() const noexcept { return window_.size() < limits_.depth && opened() < plan_.n_batches(); }

bool Run::is_worth_waking() const noexcept {
  if (cancelled()) return false;
  const std::size_t unclaimed = filling() ? window_.back().batch.samples - window_.back().claimed : 0;
  if (!can_open()) return unclaimed > 0 && (unclaimed >= limits_.claim_samples || opened() == plan_.n_batches());
  const std::uint64_t left = plan_.n_batches() - opened();
  const std::uint64_t room = limits_.depth - window_.size();
  return room >= left || unclaimed + room * plan_.batch_size(opened()) >= limits_.claim_samples;
}

bool Run::claim_advice(Task& task) noexcept {
  advise_next_ = std::max(advise_next_, opened());  // batches that are already being read need no advice
  if (!cold_) advise_next_ = (advise_next_ + kWarmProbeInterval - 1) / kWarmProbeInterval * kWarmProbeInterval;
  if (advise_next_ >= std::min<std::uint64_t>(opened() + limits_.advice_ahead, plan_.n_batches())) return false;
  task.kind = cold_ ? Task::Kind::kAdvise : Task::Kind::kProbe;
  task.batch = advise_next_++;
  return true;
}

void Run::open_batch(Pools& pools) {
  InFlight fresh;
  fresh.batch.number = opened();
  fresh.batch.samples = plan_.batch_size(fresh.batch.number);
  fresh.pending = fresh.batch.samples;
  fresh.batch.columns.reserve(pools.size());
  try {
    for (const auto& pool : pools) fresh.batch.columns.push_back(pool->acquire());
  } catch (...) {  // out of memory: take_front() rethrows; no worker uses this batch
    fresh.error = std::current_exception();
    fresh.claimed = fresh.batch.samples;
    fresh.pending = 0;
  }
  window_.push_back(std::move(fresh));
}

bool Run::claim(WorkItems& items, std::size_t samples, Pools& pools) {
  items.clear();
  if (cancelled()) return false;
  // No other batch is begun that is too large to be taken whole: one thread then fills it, in buffers that it had
  // before.
  const auto fits = [&](std::size_t claimed) {
    return claimed == 0 || filling() || claimed + window_.back().batch.samples <= samples;
  };
  for (std::size_t claimed = 0; claimed < samples && fits(claimed);) {
    Task& task = items.add();
    if (!claim_task(task, pools)) {
      items.drop_last();
      break;
    }
    if (task.kind == Task::Kind::kDecode) claimed += task.count;
  }
  return !items.tasks().empty();
}

bool Run::claim_task(Task& task, Pools& pools) {
  if (limits_.advice_ahead > 0 && claim_advice(task)) return true;
  if (!filling()) {
    if (!can_open()) return false;
    open_batch(pools);
    if (!filling()) {  // out of memory: nothing to fill, but the consumer must be notified
      ready.notify_one();
      return false;
    }
  }
  InFlight& newest = window_.back();
  task.kind = Task::Kind::kDecode;
  task.batch = newest.batch.number;
  task.begin = newest.claimed;
  task.count = std::min(limits_.chunk_samples, newest.batch.samples - newest.claimed);
  newest.claimed += task.count;
  task.columns.clear();
  for (const Lease& column : newest.batch.columns) task.columns.push_back(column.data());
  return true;
}

bool Run::complete(Task& task) {
  if (task.kind != Task::Kind::kDecode) {
    cold_ = task.not_resident > 0;
    return false;
  }
  Outcome& outcome = task.outcome;
  InFlight& batch = window_[static_cast<std::size_t>(task.batch - first_)];
  if (outcome.error && (!batch.error || outcome.failed_at < batch.failed_at)) {
    batch.error = std::move(outcome.error);
    batch.failed_at = outcome.failed_at;
  }
  try {
    std::move(outcome.bad.begin(), outcome.bad.end(), std::back_inserter(batch.batch.bad));
    std::move(outcome.filled.begin(), outcome.filled.end(), std::back_inserter(batch.batch.filled));
  } catch (...) {  // out of memory
    batch.error = std::current_exception();
    batch.failed_at = 0;
  }
  batch.pending -= task.count;
  return batch.pending == 0 && task.batch == first_;
}

Run::Front Run::front() const noexcept {
  if (window_.empty()) return first_ < plan_.n_batches() ? Front::kPending : Front::kEnd;
  const InFlight& front = window_.front();
  return front.claimed == front.batch.samples && front.pending == 0 ? Front::kReady : Front::kPending;
}

Batch Run::take_front() {
  InFlight front = std::move(window_.front());
  window_.pop_front();
  ++first_;
  if (front.error) {
    cancel();
    std::rethrow_exception(front.error);
  }
  const auto in_order = [](const BadSample& one, const BadSample& other) { return one.place < other.place; };
  std::sort(front.batch.bad.begin(), front.batch.bad.end(), in_order);
  std::sort(front.batch.filled.begin(), front.batch.filled.end(), in_order);
  return std::move(front.batch);
}

std::size_t Run::ready_batches() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(window_.begin(), window_.end(), [](const InFlight& batch) { return batch.pending == 0; }));
}

}  // namespace fastbatch
