// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "batch/buffer_pool.h"

using fastbatch::BufferPool;
using fastbatch::Lease;

TEST_CASE("buffers are aligned, whatever their size") {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{65}, std::size_t{1} << 20}) {
    const auto buffer = fastbatch::allocate_aligned(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.get()) % 64 == 0);
  }
  const auto large = fastbatch::allocate_aligned(std::size_t{5} << 20);
  CHECK(reinterpret_cast<std::uintptr_t>(large.get()) % (std::size_t{2} << 20) == 0);
}

TEST_CASE("a buffer comes back when its lease ends, and never while it lives") {
  const auto pool = BufferPool::create(100, 2);
  Lease first = pool->acquire();
  const Lease second = pool->acquire();
  CHECK(first.data() != second.data());
  const std::byte* recycled = first.data();
  Lease moved = std::move(first);
  CHECK(first.data() == nullptr);
  moved = Lease();
  CHECK(pool->acquire().data() == recycled);
}

TEST_CASE("a thread gets the buffer that it had, if that is idle") {
  const auto pool = BufferPool::create(std::size_t{1} << 16, 3);
  Lease mine = pool->acquire();
  Lease others;
  std::thread([&] { others = pool->acquire(); }).join();
  const std::byte* const before = mine.data();
  const std::byte* const not_mine = others.data();
  mine = Lease();
  others = Lease();  // the last in
  mine = pool->acquire();
  CHECK(mine.data() == before);
  CHECK(pool->acquire().data() == not_mine);  // rather than a fresh one
}

TEST_CASE("a lease outlives its pool's other owners") {
  Lease lease;
  {
    const auto pool = BufferPool::create(100, 2);
    lease = pool->acquire();
  }
  lease.data()[99] = std::byte{1};
  CHECK(lease.data()[99] == std::byte{1});
}

TEST_CASE("no more buffers stay idle than were asked for") {
  const std::size_t bytes = std::size_t{64} << 20;  // from the system, which gives zeros, not from the heap
  for (const std::size_t keep : {0U, 1U, 2U}) {
    const auto pool = BufferPool::create(bytes, keep);
    std::vector<Lease> leases;
    for (int i = 0; i < 4; ++i) leases.push_back(pool->acquire());
    for (Lease& lease : leases) lease.data()[bytes / 2] = std::byte{1};
    leases.clear();
    for (int i = 0; i < 4; ++i) leases.push_back(pool->acquire());
    const auto is_used = [&](const Lease& lease) { return lease.data()[bytes / 2] == std::byte{1}; };
    CHECK(std::ranges::count_if(leases, is_used) == static_cast<std::ptrdiff_t>(keep));
    for (int turn = 0; turn < 2; ++turn) {  // idle buffers, and those that are returned from now on
      leases.clear();
      pool->keep_none();
      for (int i = 0; i < 4; ++i) leases.push_back(pool->acquire());
      CHECK(std::ranges::count_if(leases, is_used) == 0);
      for (Lease& lease : leases) lease.data()[bytes / 2] = std::byte{1};
    }
  }
}

TEST_CASE("threads share a pool") {
  const auto pool = BufferPool::create(64, 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&pool] {
      for (int i = 0; i < 2000; ++i) {
        const Lease lease = pool->acquire();
        lease.data()[0] = std::byte{1};
      }
    });
  for (auto& thread : threads) thread.join();
}
