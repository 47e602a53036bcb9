// SPDX-License-Identifier: MIT
// Page faults in a profile, as Linux counts them.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include "loader/worker.h"
#include "number_decoder.h"

using namespace fastbatch;

namespace {

void touch_a_new_page() {
  constexpr std::size_t kPage = 4096;
  void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  *static_cast<volatile char*>(page) = 1;
  ::munmap(page, kPage);
}

}  // namespace

TEST_CASE("page faults are asked for at most once in 100 us, and those of short trips are noted later") {
  const Filler::Columns columns{std::make_shared<NumberDecoder>(1)};
  Worker worker(columns, 1, OnError::kRaise, 0);
  worker.start_counting_faults();
  const auto trip = [&](std::int64_t end_ns) {
    touch_a_new_page();
    worker.events.push_back({.end_ns = end_ns});
    worker.record_faults();
    return worker.events.back().minor_faults;
  };
  trip(1'000'000);  // and what else was touched for the first time, as the memory of the events
  worker.events.reserve(10);
  CHECK(trip(1'000'000 + 99'999) == 0);
  CHECK(trip(1'000'000 + 100'000) >= 2);
  CHECK(trip(1'000'000 + 199'999) == 0);
  worker.start_counting_faults();  // forgets a page, and asks at once
  CHECK(trip(1'000'000 + 200'000) >= 1);
}
