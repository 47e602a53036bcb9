// SPDX-License-Identifier: MIT
// A forked child has none of its parent's threads, and may hold copies of locked mutexes: it frees what it inherits.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "batch/buffer_pool.h"
#include "loader/loader.h"
#include "number_decoder.h"
#include "posix/child.h"

namespace fastbatch {
namespace {

using testing::deadly_signal;

Loader::Status next(Loader& loader, Run& run, Batch& batch) {
  Loader::Status status{};
  while ((status = loader.next(run, std::chrono::seconds(1), batch)) == Loader::Status::kTimeout) {
  }
  return status;
}

}  // namespace

TEST_CASE("a forked child frees the leases it inherits") {
  const auto pool = BufferPool::create(64, 4);
  Lease lease = pool->acquire();
  CHECK(deadly_signal([&] { lease = Lease(); }) == 0);
}

TEST_CASE("a forked child can drop what it inherits") {
  const auto column = std::make_shared<NumberDecoder>(1000);
  auto loader = std::make_unique<Loader>(std::vector<std::shared_ptr<const Decoder>>{column, column},
                                         Loader::Options{.threads = 2, .batch_size = 10});
  const auto run = loader->start(Order(1000, {}, {.kind = Shuffle::kFull}, 5, 1), BatchPlan(1000, 0, {}, 10, false),
                                 {.seed = 5, .epoch = 1});
  Batch batch;
  REQUIRE(next(*loader, *run, batch) == Loader::Status::kBatch);
  CHECK(deadly_signal([&] {
          loader->cancel(*run);
          loader->close();
          loader.reset();
        }) == 0);
  std::size_t n = 0;
  while (next(*loader, *run, batch) == Loader::Status::kBatch) n += batch.samples;
  CHECK(n == 990);
}

}  // namespace fastbatch
