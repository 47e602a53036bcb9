// SPDX-License-Identifier: MIT
// What the threads of a loader did, and when: recorded only while somebody asks, for a profile.
// Owner: the loader. Threads: one at a time; the loader's mutex guards it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastbatch {

struct Event {
  enum Kind : std::uint32_t {
    kDecode,  // samples of one batch, one column
    kAdvise,  // readahead advice for a batch
    kWait,    // a consumer waited in next()
    kTake,    // a consumer got a batch; `count`: batches that were ready then, this one included
  };
  std::int64_t begin_ns = 0;  // of the monotonic clock
  std::int64_t end_ns = 0;
  std::uint64_t batch = 0;         // number in its run
  std::uint64_t sample = 0;        // index of the first sample
  std::uint32_t count = 0;         // samples
  std::uint32_t kind = kDecode;    // a Kind
  std::uint32_t thread = 0;        // number of the worker; the number of workers means a consumer
  std::uint32_t column = 0;        // of kDecode
  std::uint32_t minor_faults = 0;  // page faults, as Worker::record_faults() counts them: of memory alone,
  std::uint32_t major_faults = 0;  // and those that waited for a disk
};

// The latest events of each thread, in a ring of fixed size.
class Timeline {
 public:
  struct Recording {
    std::vector<Event> events;      // thread by thread, each in order
    std::uint64_t overwritten = 0;  // events that the rings had no room for
  };

  // Forgets everything and records from now on. `capacity`: events per thread, at least 1.
  void start(std::size_t threads, std::size_t capacity);
  [[nodiscard]] bool is_on() const noexcept { return !rings_.empty(); }
  void add(const Event& event) noexcept;  // nothing is allocated; ignored while off
  void add_wait(std::uint32_t thread, std::chrono::steady_clock::time_point begin) noexcept;  // until now
  void add_take(std::uint32_t thread, std::uint64_t batch, std::size_t ready) noexcept;       // now
  Recording stop();

 private:
  struct Ring {
    std::vector<Event> events;
    std::uint64_t written = 0;
  };
  std::vector<Ring> rings_;
};

inline std::int64_t nanoseconds(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace fastbatch
