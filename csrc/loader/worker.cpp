// SPDX-License-Identifier: MIT
#include "loader/worker.h"

#include <algorithm>
#include <new>
#include <utility>

namespace fastbatch {
namespace {

constexpr std::int64_t kWorkerAsksNs = 100'000;
constexpr std::int64_t kConsumerAsksNs = 1'000'000;

}  // namespace

void Worker::record(const Task& task, std::chrono::steady_clock::time_point begin) noexcept {
  try {
    Event event{.begin_ns = nanoseconds(begin),
                .end_ns = nanoseconds(std::chrono::steady_clock::now()),
                .batch = task.batch,
                .kind = Event::kAdvise,
                .thread = number};
    if (task.kind != Task::Kind::kDecode) {
      events.push_back(event);
      return;
    }
    event.kind = Event::kDecode;
    event.count = static_cast<std::uint32_t>(task.count);
    if (!filler.indices().empty()) event.sample = filler.indices().front();
    event.begin_ns = std::max(event.begin_ns, nanoseconds(filler.begin()));
    for (const std::chrono::steady_clock::time_point end : filler.ends()) {
      event.end_ns = std::max(event.begin_ns, nanoseconds(end));
      events.push_back(event);
      event.begin_ns = event.end_ns;
      ++event.column;
    }
  } catch (const std::bad_alloc&) {  // the profile lacks an event
  }
}

void Worker::begin_trip(bool recorded) noexcept {
  const bool is_first = recorded && !is_recorded;
  is_recorded = recorded;
  if (is_first) {
    counts_faults_ = true;
    faults_ns_ = 0;
  }
  if (is_first || (recorded && kind == Thread::kConsumer && counts_faults_)) faults_ = page_faults();
}

void Worker::record_faults() noexcept {
  if (events.empty()) return;
  Event& event = events.back();
  const std::int64_t since_ns = event.end_ns - faults_ns_;
  if (counts_faults_ && (kind == Thread::kConsumer || since_ns >= kWorkerAsksNs)) {
    const PageFaults before = std::exchange(faults_, page_faults());
    event.minor_faults = static_cast<std::uint32_t>(faults_.minor - before.minor);
    event.major_faults = static_cast<std::uint32_t>(faults_.major - before.major);
    faults_ns_ = event.end_ns;
  }
  if (kind == Thread::kConsumer)
    counts_faults_ = event.minor_faults > 0 || event.major_faults > 0 || since_ns >= kConsumerAsksNs;
}

}  // namespace fastbatch
