// SPDX-License-Identifier: MIT
#include "loader/loader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "common/stop.h"
#include "loader/worker.h"
#include "platform/fork.h"
#include "platform/machine.h"
#include "platform/short_lock.h"
#include "source/guarded_read.h"

namespace fastbatch {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMinPrefetch = 2;
constexpr std::size_t kMaxDefaultPrefetch = 16;
constexpr std::size_t kAdviceBytes = std::size_t{32} << 20;  // approximate bytes of readahead advice
constexpr std::size_t kMaxAdviceBatches = 64;
constexpr std::size_t kProbeSamples = 4;
// What a thread copies together, at most one batch: a trip costs some microseconds, this much about a hundred.
constexpr std::size_t kTripBytes = std::size_t{1280} << 10;

// Looks at the files that were read; what is wrong with one of them becomes the error of all tasks without one.
void check(ReadTrip& trip, std::span<Task> tasks) noexcept {
  try {
    trip.check();
  } catch (...) {
    for (Task& task : tasks) {
      if (task.kind != Task::Kind::kDecode || task.outcome.error) continue;
      task.outcome.failed_at = task.begin;
      task.outcome.error = std::current_exception();
    }
  }
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Bytes of a batch in all columns. Throws std::length_error on overflow.
std::size_t batch_bytes(const std::vector<std::shared_ptr<const Decoder>>& columns, std::size_t batch_size) {
  std::size_t sample_bytes = 0;
  for (const auto& column : columns) sample_bytes += column->slot_bytes();
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  if (sample_bytes > 0 && batch_size > kMost / sample_bytes)
    throw std::length_error("a batch of " + std::to_string(batch_size) + " samples of " + std::to_string(sample_bytes) +
                            " bytes is larger than the address space");
  return std::max<std::size_t>(1, sample_bytes * batch_size);
}

// The number of samples that a worker claims together.
std::size_t claim_samples(const std::vector<std::shared_ptr<const Decoder>>& columns) {
  std::size_t samples = std::numeric_limits<std::size_t>::max();
  for (const auto& column : columns) samples = std::min(samples, column->chunk_samples());
  return std::max<std::size_t>(1, samples);
}

bool are_brief(const std::vector<std::shared_ptr<const Decoder>>& columns) {
  return std::all_of(columns.begin(), columns.end(), [](const auto& column) { return column->is_brief(); });
}

Run::Limits limits_for(const std::vector<std::shared_ptr<const Decoder>>& columns, const Loader::Options& options) {
  const std::size_t bytes = batch_bytes(columns, options.batch_size);
  std::size_t depth = options.prefetch;
  if (depth == 0) depth = std::clamp(Loader::kDefaultPrefetchBytes / bytes, kMinPrefetch, kMaxDefaultPrefetch);
  if (options.prefetch_bytes > 0) depth = std::min(depth, options.prefetch_bytes / bytes);
  depth = std::max<std::size_t>(1, depth);
  const std::size_t items = claim_samples(columns);
  const std::size_t chunk = std::min(options.batch_size, items);
  const std::size_t chunks = (options.batch_size + chunk - 1) / chunk;  // chunks of a batch, of nearly equal size
  // A worker is woken when it can claim this many samples, or half of the ready batches are consumed.
  const std::size_t trip =
      are_brief(columns) ? kTripBytes / std::max<std::size_t>(1, bytes / options.batch_size) : items;
  const std::size_t most = std::clamp(trip, items, std::max(items, options.batch_size));
  return {.depth = depth,
          .chunk_samples = (options.batch_size + chunks - 1) / chunks,
          .claim_samples = std::clamp<std::size_t>((depth + 1) / 2 * options.batch_size, 1, most),
          .advice_ahead = options.advise ? std::clamp<std::size_t>(kAdviceBytes / bytes, 1, kMaxAdviceBatches) : 0};
}

}  // namespace

Loader::Loader(std::vector<std::shared_ptr<const Decoder>> columns, Options options)
    : columns_(std::move(columns)),
      options_(options),
      made_at_(count_forks()),
      limits_(limits_for(columns_, options)),
      callers_help_(are_brief(columns_)),
      shared_(std::make_unique<Shared>()) {
  // Batches in flight, one held by the user, and one more, since `for` binds the next batch before it drops the last.
  for (const auto& column : columns_)
    pools_.push_back(BufferPool::create(column->slot_bytes() * options.batch_size, limits_.depth + 2));
  shared_->stats.decode_s.resize(columns_.size());
  shared_->stats.threads = options.threads;
  shared_->stats.prefetch = limits_.depth;
  try {
    shared_->busy.reserve(options.threads + 1);
    for (unsigned i = 0; i < options.threads; ++i) shared_->threads.emplace_back([this, i] { work(i); });
  } catch (...) {
    close();
    throw;
  }
}

Loader::~Loader() {
  close();
  if (is_forked_copy()) static_cast<void>(shared_.release());  // the threads belong to the parent
}

std::shared_ptr<Run> Loader::start(Order order, BatchPlan plan, StreamKey key) {
  auto run = std::make_shared<Run>(std::move(order), plan, key, limits_);
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->closed) throw ClosedError("the loader is closed");
    shared_->runs.push_back(run);
  }
  shared_->work.notify_one();  // the worker wakes another one if there are more tasks
  return run;
}

Loader::Status Loader::next(Run& run, std::chrono::milliseconds patience, Batch& batch) {
  Shared& shared = *shared_;
  bool wake_worker = false;
  std::size_t n_left_out = 0;
  {
    std::unique_lock lock = lock_shortly(shared.mutex);
    const auto settled = [&] { return shared.closed || run.is_settled(); };
    if (!settled()) {
      const Clock::time_point start = Clock::now();
      if (callers_help_) help(run, lock, start + patience);
      bool in_time = settled();
      if (!in_time) {
        const Clock::time_point idle_since = Clock::now();
        in_time = run.ready.wait_until(lock, start + patience, settled);
        shared.timeline.add_wait(options_.threads, idle_since);
      }
      shared.stats.wait_s += seconds_since(start);
      if (!in_time) return Status::kTimeout;
    }
    if (shared.closed) throw ClosedError("the loader was closed");
    if (run.cancelled() || run.front() == Run::Front::kEnd) return Status::kEnd;
    const std::size_t ready = shared.timeline.is_on() ? run.ready_batches() : 0;
    batch = run.take_front();
    shared.timeline.add_take(options_.threads, batch.number, ready);
    if (options_.on_error == OnError::kSkip) n_left_out = batch.bad.size();
    ++shared.stats.batches;
    shared.stats.samples += batch.samples - n_left_out;
    shared.stats.bad_samples += batch.bad.size();
    shared.stats.filled += batch.filled.size();
    for (const auto& column : columns_) shared.stats.bytes += column->slot_bytes() * (batch.samples - n_left_out);
    if (run.is_settled()) run.ready.notify_one();  // another thread may wait for the next batch
    // If another thread is decoding, it wakes the idle ones when it has finished.
    wake_worker = shared.idle_workers > 0 && (!callers_help_ || shared.busy.empty()) && is_worth_waking();
  }
  if (wake_worker) shared.work.notify_one();
  if (n_left_out > 0) leave_out_bad(batch, columns_);
  return Status::kBatch;
}

void Loader::cancel(Run& run) noexcept {
  if (is_forked_copy()) return;
  std::shared_ptr<Run> last;  // its buffers are returned outside the lock
  const std::lock_guard lock(shared_->mutex);
  run.cancel();
  run.ready.notify_all();
  auto& runs = shared_->runs;
  const auto it = std::find_if(runs.begin(), runs.end(), [&](const auto& other) { return other.get() == &run; });
  if (it == runs.end()) return;
  last = std::move(*it);
  runs.erase(it);
}

void Loader::close() noexcept {
  if (is_forked_copy()) return;
  Shared& shared = *shared_;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(shared.mutex);
    shared.closed = true;
    threads.swap(shared.threads);
    for (const auto& run : shared.runs) {
      run->cancel();
      run->ready.notify_all();
    }
  }
  shared.work.notify_all();
  for (std::thread& thread : threads) thread.join();
  for (const auto& pool : pools_) pool->keep_none();
  std::vector<std::shared_ptr<Run>> ended;
  const std::lock_guard lock(shared.mutex);
  ended.swap(shared.runs);
}

bool Loader::is_own_thread() const {
  if (is_forked_copy()) return false;
  const std::lock_guard lock(shared_->mutex);
  const auto& threads = shared_->threads;
  return std::any_of(threads.begin(), threads.end(),
                     [](const std::thread& thread) { return thread.get_id() == std::this_thread::get_id(); });
}

bool Loader::is_forked_copy() const noexcept { return count_forks() != made_at_; }

LoaderStats Loader::stats() const {
  const std::lock_guard lock(shared_->mutex);
  LoaderStats stats = shared_->stats;
  for (const auto& run : shared_->runs) stats.ready_batches += run->ready_batches();
  return stats;
}

void Loader::start_recording(std::size_t events_per_thread) {
  const std::lock_guard lock(shared_->mutex);
  shared_->timeline.start(options_.threads + std::size_t{1}, events_per_thread);
}

Timeline::Recording Loader::stop_recording() {
  const std::lock_guard lock(shared_->mutex);
  return shared_->timeline.stop();
}

std::vector<UnderWay> Loader::under_way(const Run& run) const {
  std::vector<UnderWay> found;
  if (is_forked_copy()) return found;
  const std::lock_guard lock(shared_->mutex);
  for (const Worker* worker : shared_->busy) {
    if (worker->run != &run) continue;
    for (const Task& task : worker->items.tasks()) {
      const bool decodes = task.kind == Task::Kind::kDecode;
      const std::size_t count = decodes ? task.count : run.plan().batch_size(task.batch);
      found.push_back({task.kind, task.batch, task.begin, count, worker->thread});
    }
  }
  // Advice is claimed together with samples to decode, and is soon done.
  const auto is_advice = [](const UnderWay& one) { return one.kind != Task::Kind::kDecode; };
  if (!std::all_of(found.begin(), found.end(), is_advice)) std::erase_if(found, is_advice);
  std::sort(found.begin(), found.end(), [](const UnderWay& one, const UnderWay& other) {
    return std::pair(one.batch, one.begin) < std::pair(other.batch, other.begin);
  });
  return found;
}

void Loader::begin(Worker& worker) {
  worker.begin_trip(shared_->timeline.is_on());
  shared_->busy.push_back(&worker);
}

void Loader::end(const Worker& worker) noexcept {
  auto& busy = shared_->busy;
  const auto it = std::find(busy.begin(), busy.end(), &worker);
  *it = busy.back();
  busy.pop_back();
}

bool Loader::is_worth_waking() const noexcept {
  return std::any_of(shared_->runs.begin(), shared_->runs.end(),
                     [](const auto& run) { return run->is_worth_waking(); });
}

// Runs take turns, so that two iterators of one loader share its threads; or the oldest is served first, where one
// iterator starts a run for each batch.
bool Loader::claim(WorkItems& items, std::shared_ptr<Run>& run) {
  auto& runs = shared_->runs;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& candidate = runs[(shared_->turn + i) % runs.size()];
    if (!candidate->claim(items, candidate->claim_samples(), pools_)) continue;
    run = candidate;
    if (options_.in_turns) shared_->turn = (shared_->turn + i + 1) % runs.size();
    return true;
  }
  return false;
}

void Loader::work(std::uint32_t number) {
  Shared& shared = *shared_;
  Worker worker(columns_, options_.batch_size, options_.on_error, number, Worker::Thread::kWorker);
  worker.thread = thread_id();
  std::shared_ptr<Run> run;
  std::shared_ptr<Run> to_wake;  // notified outside the lock, for which its consumer would otherwise wait
  std::unique_lock lock(shared.mutex);
  while (!shared.closed) {
    // A consumer that helps takes a worker's place: one thread more than there are processors would slow down all.
    const bool claimed = !is_fully_staffed() && claim(worker.items, run);
    if (!claimed && !to_wake) {
      ++shared.idle_workers;
      shared.work.wait(lock);
      --shared.idle_workers;
      continue;
    }
    if (claimed) {
      worker.run = run.get();
      begin(worker);
    }
    const bool wake_peer = claimed && shared.idle_workers > 0 && !is_fully_staffed() && is_worth_waking();
    lock.unlock();
    if (to_wake) to_wake->ready.notify_one();
    to_wake.reset();
    if (wake_peer) shared.work.notify_one();
    if (!claimed) {
      lock.lock();
      continue;
    }
    if (perform(worker, *run, lock)) to_wake = run;
    end(worker);
    if (run.use_count() == 1) {  // cancelled meanwhile: its buffers are returned outside the lock
      lock.unlock();
      run.reset();
      lock.lock();
    }
    run.reset();
  }
}

// A consumer whose batches are copied in microseconds decodes rather than sleep, since it would be woken for each. The
// first batch of a run is divided between it and the workers, which are still waking up.
void Loader::help(Run& run, std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point until) {
  Shared& shared = *shared_;
  std::unique_ptr<Worker> worker;
  while (!shared.closed && !run.is_settled() && Clock::now() < until) {
    if (!worker && !shared.spare.empty()) {
      worker = std::move(shared.spare.back());
      shared.spare.pop_back();
    }
    if (!worker)
      worker = std::make_unique<Worker>(columns_, options_.batch_size, options_.on_error, options_.threads,
                                        Worker::Thread::kConsumer);
    if (!run.claim(worker->items, run.claim_samples(), pools_)) break;
    worker->run = &run;
    worker->thread = thread_id();
    begin(*worker);
    lock.unlock();
    perform(*worker, run, lock);
    end(*worker);
  }
  if (worker) shared.spare.push_back(std::move(worker));
}

// Performs the tasks, then locks. True if a consumer may be waiting for one of them.
bool Loader::perform(Worker& worker, Run& run, std::unique_lock<std::mutex>& lock) {
  Filler& filler = worker.filler;
  WorkItems& items = worker.items;
  const StopScope scope(run.stop());
  std::optional<ReadTrip> trip;
  if (options_.on_error == OnError::kRaise) trip.emplace();  // otherwise each sample is judged by itself
  double advise_s = 0;
  for (Task& task : items.tasks()) {
    const Clock::time_point start = worker.is_recorded ? Clock::now() : Clock::time_point{};
    if (task.kind == Task::Kind::kDecode) {
      filler.fill(run, task);
    } else {
      const Clock::time_point begin = Clock::now();
      task.not_resident = advise(run, task, filler.indices());
      advise_s += seconds_since(begin);
    }
    if (worker.is_recorded) worker.record(task, start);
  }
  if (trip) check(*trip, items.tasks());
  worker.record_faults();
  lock.lock();
  for (const Event& event : worker.events) shared_->timeline.add(event);
  worker.events.clear();
  shared_->stats.advise_s += advise_s;
  for (std::size_t c = 0; c < filler.decode_s().size(); ++c)
    shared_->stats.decode_s[c] += std::exchange(filler.decode_s()[c], 0);
  bool is_awaited = false;
  for (Task& task : items.tasks()) is_awaited |= run.complete(task);
  return is_awaited;
}

// Errors of advice are ignored: they recur, and are reported, when the sample is read.
std::size_t Loader::advise(const Run& run, const Task& task, std::vector<std::uint64_t>& indices) const noexcept {
  try {
    const std::size_t samples = run.plan().batch_size(task.batch);
    const auto tell = [&](std::size_t n) {
      indices.resize(n);
      run.plan().indices(run.order(), task.batch, 0, indices);
      std::size_t missing = 0;
      for (const auto& column : columns_) missing += column->advise(indices);
      return missing;
    };
    if (task.kind == Task::Kind::kAdvise) return tell(samples);
    const std::size_t bytes = tell(std::min(samples, kProbeSamples));
    if (bytes > 0) tell(samples);  // cold: advise the rest of this batch too
    return bytes;
  } catch (...) {
    return 0;
  }
}

}  // namespace fastbatch
