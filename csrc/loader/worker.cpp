// SPDX-License-Identifier: MIT
#include "loader/worker.h"

#include <algorithm>
#include <new>

namespace fastbatch {

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

void Worker::record_faults_since(const PageFaults& before) noexcept {
  const PageFaults now = page_faults();
  events.back().minor_faults = static_cast<std::uint32_t>(now.minor - before.minor);
  events.back().major_faults = static_cast<std::uint32_t>(now.major - before.major);
}

}  // namespace fastbatch
