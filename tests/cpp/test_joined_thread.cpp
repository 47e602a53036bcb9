// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/joined_thread.h"

using fastbatch::JoinedThread;

TEST_CASE("threads are joined by their owner's destructor, also when an exception passes it") {
  std::atomic<int> n_ended{0};
  const auto end_late = [&n_ended](int n) {
    std::this_thread::yield();
    n_ended += n;
  };
  {
    std::vector<JoinedThread> threads;
    for (int i = 0; i < 10; ++i) threads.emplace_back(end_late, 1);
  }
  CHECK(n_ended == 10);
  const auto throws = [&] {
    const JoinedThread thread(end_late, 5);
    throw std::runtime_error("left");
  };
  CHECK_THROWS_AS(throws(), std::runtime_error);
  CHECK(n_ended == 15);
}

TEST_CASE("a thread that is replaced is joined first; one that was moved from, or joined, has nothing to join") {
  std::atomic<int> n_ended{0};
  JoinedThread thread([&] { n_ended += 1; });
  thread = JoinedThread([&] { n_ended += 10; });
  CHECK(n_ended >= 1);
  JoinedThread other = std::move(thread);
  other.join();
  CHECK(n_ended == 11);
  other.join();
  JoinedThread().join();
}
