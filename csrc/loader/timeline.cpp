// SPDX-License-Identifier: MIT
#include "loader/timeline.h"

#include <algorithm>
#include <utility>

namespace fastbatch {

void Timeline::start(std::size_t threads, std::size_t capacity) {
  std::vector<Ring> rings(threads);
  for (Ring& ring : rings) ring.events.resize(std::max<std::size_t>(1, capacity));
  rings_ = std::move(rings);
}

void Timeline::add(const Event& event) noexcept {
  if (event.thread >= rings_.size()) return;
  Ring& ring = rings_[event.thread];
  ring.events[static_cast<std::size_t>(ring.written++ % ring.events.size())] = event;
}

void Timeline::add_wait(std::uint32_t thread, std::chrono::steady_clock::time_point begin) noexcept {
  if (!is_on()) return;
  const std::int64_t now = nanoseconds(std::chrono::steady_clock::now());
  add({.begin_ns = nanoseconds(begin), .end_ns = now, .kind = Event::kWait, .thread = thread});
}

void Timeline::add_take(std::uint32_t thread, std::uint64_t batch, std::size_t ready) noexcept {
  if (!is_on()) return;
  const std::int64_t now = nanoseconds(std::chrono::steady_clock::now());
  add({.begin_ns = now,
       .end_ns = now,
       .batch = batch,
       .count = static_cast<std::uint32_t>(ready),
       .kind = Event::kTake,
       .thread = thread});
}

Timeline::Recording Timeline::stop() {
  Recording recording;
  for (const Ring& ring : rings_) {
    const std::uint64_t capacity = ring.events.size();
    const std::uint64_t first = ring.written > capacity ? ring.written - capacity : 0;
    recording.overwritten += first;
    for (std::uint64_t i = first; i < ring.written; ++i)
      recording.events.push_back(ring.events[static_cast<std::size_t>(i % capacity)]);
  }
  rings_.clear();
  return recording;
}

}  // namespace fastbatch
