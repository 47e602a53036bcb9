// SPDX-License-Identifier: MIT
// Page faults in a profile, as Linux counts them.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include "loader/worker.h"
#include "number_decoder.h"

using namespace fastbatch;

namespace {

void touch_new_pages() {
  constexpr std::size_t kPage = 4096;
  void* pages = ::mmap(nullptr, 100 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  ::madvise(pages, 100 * kPage, MADV_NOHUGEPAGE);
  for (std::size_t i = 0; i < 100; ++i) static_cast<volatile char*>(pages)[i * kPage] = 1;
  ::munmap(pages, 100 * kPage);
}

// The page faults of one touch: more than there are pages, where a sanitizer has memory of its own beside them.
std::uint64_t faults_of_a_touch() {
  touch_new_pages();
  const std::uint64_t before = page_faults().minor;
  touch_new_pages();
  return page_faults().minor - before;
}

// The page faults that are noted for a trip in which new pages are touched, or none: in touches, rounded, since the
// memory of the events adds some.
std::uint64_t touches_noted(Worker& worker, std::int64_t end_ns, bool touches = true) {
  static const std::uint64_t unit = faults_of_a_touch();
  worker.begin_trip(true);
  if (touches) touch_new_pages();
  worker.events.push_back({.end_ns = end_ns});
  worker.record_faults();
  return (worker.events.back().minor_faults + unit / 2) / unit;
}

}  // namespace

TEST_CASE("a worker's page faults are asked for at most once in 100 us, and those of short trips are noted later") {
  const Filler::Columns columns{std::make_shared<NumberDecoder>(1)};
  Worker worker(columns, 1, OnError::kRaise, 0, Worker::Thread::kWorker);
  CHECK(touches_noted(worker, 1'000'000) == 1);
  CHECK(touches_noted(worker, 1'000'000 + 99'999) == 0);
  CHECK(touches_noted(worker, 1'000'000 + 100'000) == 2);
  CHECK(touches_noted(worker, 1'000'000 + 199'999) == 0);
  worker.begin_trip(false);  // the next trip forgets those pages, and asks at once
  CHECK(touches_noted(worker, 1'000'000 + 199'999) == 1);
}

TEST_CASE("a consumer's page faults are asked for in each trip while there are some, and then once in a millisecond") {
  const Filler::Columns columns{std::make_shared<NumberDecoder>(1)};
  Worker worker(columns, 1, OnError::kRaise, 0, Worker::Thread::kConsumer);
  worker.events.reserve(20);
  const std::int64_t start = 5'000'000;
  CHECK(touches_noted(worker, start) == 1);
  touch_new_pages();  // between trips: the user's
  CHECK(touches_noted(worker, start + 2'000) == 1);
  bool is_quiet = false;  // what else is touched for the first time
  for (std::int64_t k = 0; k < 10 && !is_quiet; ++k) {
    touches_noted(worker, start + 3'000, false);
    is_quiet = worker.events.back().minor_faults == 0;
  }
  REQUIRE(is_quiet);
  CHECK(touches_noted(worker, start + 4'000) == 0);              // not asked for
  CHECK(touches_noted(worker, start + 3'000 + 1'000'000) == 0);  // nor here: the trip began before
  CHECK(touches_noted(worker, start + 1'005'000) == 1);
  CHECK(touches_noted(worker, start + 3'000'000, false) == 0);
  CHECK(touches_noted(worker, start + 9'000'000) == 1);  // trips of a millisecond and more are never left out
}
