// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
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
  const auto pool = BufferPool::create(4096, 1);
  std::vector<Lease> leases;
  for (int i = 0; i < 5; ++i) leases.push_back(pool->acquire());
  leases.clear();  // four are freed: ASan's leak check and the next line see it
  const Lease kept = pool->acquire();
  CHECK(kept.data() != nullptr);
}

TEST_CASE("a pool that keeps none frees what is idle and what comes back") {
  const auto pool = BufferPool::create(std::size_t{1} << 28, 4);
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    std::size_t size = 0;
    std::size_t pages = 0;
    file >> size >> pages;
    return pages * 4096;
  };
  const std::size_t before = resident();
  const auto touch = [](const Lease& lease) { std::memset(lease.data(), 1, std::size_t{1} << 28); };
  Lease late = pool->acquire();
  touch(late);
  touch(pool->acquire());
  CHECK(resident() > before + (std::size_t{1} << 28));
  pool->keep_none();
  late = Lease();
  CHECK(resident() < before + (std::size_t{1} << 28));
  touch(pool->acquire());  // it still serves who asks
  CHECK(resident() < before + (std::size_t{1} << 28));
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

TEST_CASE("a forked child frees the leases it inherits") {
  const auto pool = BufferPool::create(64, 4);
  Lease lease = pool->acquire();
  const pid_t child = fork();
  if (child == 0) {
    lease = Lease();
    _exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
