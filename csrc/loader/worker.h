// SPDX-License-Identifier: MIT
// A thread's decoding state: scratch memory that is reused from task to task.
// Owner: the worker thread, or the loader, which lends it to consumers that decode. Threads: one at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "loader/filler.h"
#include "loader/run.h"
#include "loader/task.h"
#include "loader/timeline.h"
#include "platform/machine.h"

namespace fastbatch {

struct Worker {
  Worker(const Filler::Columns& columns, std::size_t batch_size, OnError on_error, std::uint32_t number_of_thread)
      : filler(columns, batch_size, on_error), number(number_of_thread) {}

  // Keeps the events of a task that was performed since `begin`, until the loader's mutex is locked.
  void record(const Task& task, std::chrono::steady_clock::time_point begin) noexcept;
  // Counts page faults from now on. Unless it is called before each trip, the thread does nothing else between trips.
  void start_counting_faults() noexcept;
  // Notes the page faults so far in the last event. The system is asked at most once in 100 us, since an answer costs
  // up to one: the faults of short trips are noted with those of a later one.
  void record_faults() noexcept;

  Filler filler;
  WorkItems items;  // claimed and read with the loader's mutex held; what a task's kind, batch and slots are stays
  const Run* run = nullptr;    // of the items
  std::int64_t thread = 0;     // the system's number of the thread that performs them
  const std::uint32_t number;  // of its thread in the timeline
  bool is_recorded = false;    // the trip that is under way
  std::vector<Event> events;

 private:
  PageFaults faults_;  // at the time below
  std::int64_t faults_ns_ = 0;
};

}  // namespace fastbatch
