// SPDX-License-Identifier: MIT
// Memory that goes back to the system, as Linux counts it.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>

#include "batch/buffer_pool.h"

using fastbatch::BufferPool;
using fastbatch::Lease;

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
