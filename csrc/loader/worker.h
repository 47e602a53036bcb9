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
  enum class Thread { kWorker, kConsumer };

  Worker(const Filler::Columns& columns, std::size_t batch_size, OnError on_error, std::uint32_t number_of_thread,
         Thread kind_of_thread)
      : filler(columns, batch_size, on_error), number(number_of_thread), kind(kind_of_thread) {}

  // Keeps the events of a task that was performed since `begin`, until the loader's mutex is locked.
  void record(const Task& task, std::chrono::steady_clock::time_point begin) noexcept;
  // Says that a trip begins, and whether it is recorded. With the loader's mutex held.
  void begin_trip(bool recorded) noexcept;
  // Notes page faults in the last event of a trip that ends. An answer of the system costs up to 1 us, so it is asked
  // seldom where trips are short. Faults of a worker are noted with those of its later trips. A consumer does other
  // things between trips, for which the system is asked before and after one: while there are faults, for each trip,
  // and otherwise once in a millisecond; the others count as trips without.
  void record_faults() noexcept;

  Filler filler;
  WorkItems items;  // claimed and read with the loader's mutex held; what a task's kind, batch and slots are stays
  const Run* run = nullptr;    // of the items
  std::int64_t thread = 0;     // the system's number of the thread that performs them
  const std::uint32_t number;  // of its thread in the timeline
  const Thread kind;
  bool is_recorded = false;  // the trip that is under way
  std::vector<Event> events;

 private:
  PageFaults faults_;           // at the time below, or when the trip began
  std::int64_t faults_ns_ = 0;  // when the system was asked at the end of a trip
  bool counts_faults_ = false;  // in the trip that is under way; a worker always does
};

}  // namespace fastbatch
