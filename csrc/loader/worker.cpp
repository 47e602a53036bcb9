// SPDX-License-Identifier: MIT
#include "loader/worker.h"

#include <algorithm>
#include <new>
#include <utility>

namespace fastbatch {
namespace {

constexpr std::int64_t kFaultsEveryNs = 100'000;

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

void Worker::start_counting_faults() noexcept {
  faults_ = page_faults();
  faults_ns_ = 0;
}

void Worker::record_faults() noexcept {
  Event& event = events.back();
  if (event.end_ns - faults_ns_ < kFaultsEveryNs) return;
  faults_ns_ = event.end_ns;
  const PageFaults before = std::exchange(faults_, page_faults());
  event.minor_faults = static_cast<std::uint32_t>(faults_.minor - before.minor);
  event.major_faults = static_cast<std::uint32_t>(faults_.major - before.major);
}

}  // namespace fastbatch
