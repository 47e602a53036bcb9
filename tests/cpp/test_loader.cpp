// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <thread>

#include "flag.h"
#include "loader/loader.h"
#include "number_decoder.h"
#include "platform/machine.h"

using namespace fastbatch;
using namespace std::chrono_literals;

namespace {

Loader make_loader(std::shared_ptr<const Decoder> column, Loader::Options options) {
  std::vector<std::shared_ptr<const Decoder>> columns{column, std::make_shared<NumberDecoder>(column->size(), 7)};
  return Loader(std::move(columns), options);
}

std::vector<std::uint64_t> numbers(const Batch& batch, std::size_t column = 0) {
  std::vector<std::uint64_t> values(batch.samples);
  std::memcpy(values.data(), batch.columns[column].data(), batch.samples * sizeof(std::uint64_t));
  return values;
}

Loader::Status next(Loader& loader, Run& run, Batch& batch) {
  Loader::Status status{};
  while ((status = loader.next(run, 1000ms, batch)) == Loader::Status::kTimeout) {
  }
  return status;
}

std::shared_ptr<Run> start(Loader& loader, std::uint64_t n, std::uint64_t batch_size, std::uint64_t position = 0) {
  return loader.start(Order(n, {}, {.kind = Shuffle::kFull}, 5, 1), BatchPlan(n, position, {}, batch_size, false),
                      {.seed = 5, .epoch = 1});
}

std::vector<std::uint64_t> rest(Loader& loader, Run& run) {
  std::vector<std::uint64_t> all;
  Batch batch;
  while (next(loader, run, batch) == Loader::Status::kBatch) {
    CHECK(numbers(batch, 0) == numbers(batch, 1));
    const auto values = numbers(batch);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

// Holds whoever decodes sample 0 until it is let go.
class Gate : public NumberDecoder {
 public:
  using NumberDecoder::NumberDecoder;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override {
    if (indices.front() == 0) {
      held.set();
      open.wait();
    }
    NumberDecoder::decode(indices, key, slots, workspace, failed_at);
  }
  mutable Flag held;
  mutable Flag open;
};

}  // namespace

TEST_CASE("short batches are made by the caller when no worker has time") {
  const auto gate = std::make_shared<Gate>(1000);
  Loader loader = make_loader(gate, {.threads = 1, .batch_size = 4});
  const Order order(1000, {}, {}, 0, 0);
  const auto held = loader.start(order, BatchPlan(1000, 0, {}, 4, false), {});
  gate->held.wait();  // by the only worker
  const auto other = loader.start(order, BatchPlan(1000, 4, {}, 4, false), {});
  CHECK(rest(loader, *other).size() == 996);
  gate->open.set();
  CHECK(rest(loader, *held).size() == 1000);
}

TEST_CASE("what is under way is said: of the asked run, in the order of the batches, until it is done") {
  const auto gate = std::make_shared<Gate>(10, 1);
  Loader loader = make_loader(gate, {.threads = 2, .batch_size = 4, .prefetch = 1});
  const Order order(10, {}, {}, 0, 0);
  const auto run = loader.start(order, BatchPlan(10, 0, {}, 4, false), {});
  gate->held.wait();
  const auto found = loader.under_way(*run);
  REQUIRE(!found.empty());
  for (const UnderWay& one : found) CHECK(one.kind == Task::Kind::kDecode);  // no advice beside them
  CHECK(found.front().batch == 0);
  CHECK(found.front().begin == 0);
  CHECK(found.front().count >= 1);
  CHECK((thread_id() == 0 || found.front().thread != 0));
  const auto other = loader.start(order, BatchPlan(10, 10, {}, 4, false), {});
  CHECK(loader.under_way(*other).empty());
  gate->open.set();
  CHECK(rest(loader, *run).size() == 10);
  loader.close();
  CHECK(loader.under_way(*run).empty());
}

TEST_CASE("batches come in order, the same for any threads, chunks and prefetch") {
  const std::uint64_t n = 1003;
  std::vector<std::uint64_t> expected(n);
  Order(n, {}, {.kind = Shuffle::kFull}, 5, 1).fill(0, 1, expected);
  for (const unsigned threads : {1u, 2u, 5u})
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{6}, std::size_t{5000}})
      for (const std::size_t prefetch : {std::size_t{1}, std::size_t{2}, std::size_t{30}}) {
        Loader loader = make_loader(std::make_shared<NumberDecoder>(n, chunk),
                                    {.threads = threads, .batch_size = 64, .prefetch = prefetch});
        const auto run = start(loader, n, 64);
        CHECK(rest(loader, *run) == expected);
        Batch batch;
        CHECK(next(loader, *run, batch) == Loader::Status::kEnd);  // and again
      }
}

TEST_CASE("a run may begin anywhere") {
  Loader loader = make_loader(std::make_shared<NumberDecoder>(100), {.threads = 2, .batch_size = 8});
  const auto whole = start(loader, 100, 8);
  const auto all = rest(loader, *whole);
  const auto late = start(loader, 100, 8, 40);
  CHECK(rest(loader, *late) == std::vector<std::uint64_t>(all.begin() + 40, all.end()));
}

TEST_CASE("a batch that is kept is not written again") {
  Loader loader = make_loader(std::make_shared<NumberDecoder>(500), {.threads = 2, .batch_size = 10, .prefetch = 2});
  const auto run = start(loader, 500, 10);
  std::vector<Batch> kept;
  std::vector<std::vector<std::uint64_t>> seen;
  for (Batch batch; next(loader, *run, batch) == Loader::Status::kBatch;) {
    seen.push_back(numbers(batch));
    kept.push_back(std::move(batch));
  }
  REQUIRE(kept.size() == 50);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(numbers(kept[i]) == seen[i]);
}

TEST_CASE("the first error in order is the one reported, by the batch that owes it") {
  for (const unsigned threads : {1u, 3u}) {
    std::vector<std::uint64_t> order(100);
    std::iota(order.begin(), order.end(), 0);
    Loader loader = make_loader(std::make_shared<NumberDecoder>(100, 1, std::set<std::uint64_t>{37, 35, 62}),
                                {.threads = threads, .batch_size = 10, .prefetch = 8});
    const auto run = loader.start(Order(100, {}, {}, 0, 0), BatchPlan(100, 0, {}, 10, false), {});
    Batch batch;
    for (int k = 0; k < 3; ++k) {
      REQUIRE(next(loader, *run, batch) == Loader::Status::kBatch);
      CHECK(numbers(batch).front() == static_cast<std::uint64_t>(k * 10));
    }
    std::string message;
    try {
      next(loader, *run, batch);
    } catch (const DecodeError& error) {
      message = error.what();
    }
    CHECK(message == "numbers: sample 35: broken");
    CHECK(next(loader, *run, batch) == Loader::Status::kEnd);  // an error ends the run ...
    const auto again = start(loader, 30, 10);                  // ... and not the loader
    CHECK(next(loader, *again, batch) == Loader::Status::kBatch);
  }
}

TEST_CASE("two runs of one loader do not disturb each other") {
  Loader loader = make_loader(std::make_shared<NumberDecoder>(300), {.threads = 2, .batch_size = 9, .prefetch = 2});
  const auto a = start(loader, 300, 9);
  const auto b = start(loader, 300, 9);
  Batch one;
  Batch two;
  while (next(loader, *a, one) == Loader::Status::kBatch) {
    REQUIRE(next(loader, *b, two) == Loader::Status::kBatch);
    CHECK(numbers(one) == numbers(two));
  }
}

// Notes the seed of each key in the order in which a single worker decodes.
class Diary : public Gate {
 public:
  using Gate::Gate;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override {
    Gate::decode(indices, key, slots, workspace, failed_at);
    seeds.push_back(key.seed);
  }
  mutable std::vector<std::uint64_t> seeds;
};

TEST_CASE("runs take turns, or the oldest is served first") {
  for (const bool in_turns : {true, false}) {
    const auto diary = std::make_shared<Diary>(100, 1);
    std::vector<std::shared_ptr<const Decoder>> columns{diary};
    Loader loader(columns, {.threads = 1, .batch_size = 10, .in_turns = in_turns});
    const Order order(100, {}, {}, 0, 0);
    const auto begin = [&](std::uint64_t first, std::uint64_t n, std::uint64_t seed) {
      return loader.start(order, BatchPlan(100, first, {}, n, false, 1), {.seed = seed});
    };
    const auto held = begin(0, 1, 0);
    diary->held.wait();  // by the only worker
    const auto one = begin(10, 10, 1);
    const auto two = begin(20, 10, 2);
    diary->open.set();
    Batch batch;
    for (const auto& run : {held, one, two}) REQUIRE(next(loader, *run, batch) == Loader::Status::kBatch);
    REQUIRE(diary->seeds.size() == 21);
    const auto first_of_two = std::find(diary->seeds.begin(), diary->seeds.end(), 2) - diary->seeds.begin();
    CHECK(first_of_two == (in_turns ? 2 : 11));
  }
}

TEST_CASE("abandoned runs, also unread ones, end at once") {
  Loader loader = make_loader(std::make_shared<NumberDecoder>(10'000), {.threads = 2, .batch_size = 16});
  for (int i = 0; i < 2000; ++i) {
    const auto run = start(loader, 10'000, 16);
    Batch batch;
    if (i % 2 == 0) CHECK(next(loader, *run, batch) == Loader::Status::kBatch);
    loader.cancel(*run);
  }
  CHECK(loader.stats().batches == 1000);
}

TEST_CASE("closing wakes a waiting consumer with an error") {
  Loader loader = make_loader(std::make_shared<NumberDecoder>(100), {.threads = 1, .batch_size = 10});
  const auto run = start(loader, 100, 10);
  bool closed = false;
  std::thread consumer([&] {
    Batch batch;
    try {
      while (next(loader, *run, batch) != Loader::Status::kTimeout) {
      }
    } catch (const ClosedError&) {
      closed = true;
    }
  });
  loader.close();
  consumer.join();
  CHECK(closed);
  loader.close();
  CHECK_THROWS_AS(start(loader, 100, 10), ClosedError);
}

TEST_CASE("several threads share a run: every batch goes to one of them") {
  Loader loader = make_loader(std::make_shared<NumberDecoder>(5000), {.threads = 2, .batch_size = 7});
  const auto run = start(loader, 5000, 7);
  std::vector<std::vector<std::uint64_t>> got(3);
  std::vector<std::thread> consumers;
  for (auto& mine : got) consumers.emplace_back([&] { mine = rest(loader, *run); });
  for (auto& consumer : consumers) consumer.join();
  std::vector<std::uint64_t> all;
  for (const auto& mine : got) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  std::vector<std::uint64_t> expected(5000);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(all == expected);
}

TEST_CASE("workers that paused for a consumer go on when it leaves") {
  for (const unsigned threads : {1U, 2U, 3U}) {
    CAPTURE(threads);
    constexpr std::uint64_t kBatches = 200;
    Loader loader = make_loader(std::make_shared<NumberDecoder>(kBatches * 8),
                                {.threads = threads, .batch_size = 8, .prefetch = 4});
    const auto run = start(loader, kBatches * 8, 8);
    Batch batch;
    for (std::uint64_t k = 0; k < kBatches; ++k) {
      REQUIRE(next(loader, *run, batch) == Loader::Status::kBatch);
      if (k % 20 != 0) continue;  // between these the consumer decodes too
      const std::size_t left = std::min<std::size_t>(4, kBatches - k - 1);
      const auto deadline = std::chrono::steady_clock::now() + 20s;
      while (loader.stats().ready_batches < left && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
      CHECK(loader.stats().ready_batches == left);
    }
    CHECK(next(loader, *run, batch) == Loader::Status::kEnd);
  }
}

TEST_CASE("prefetch is bounded in bytes, but one batch is always allowed") {
  const auto column = std::make_shared<NumberDecoder>(1000);
  CHECK(make_loader(column, {.threads = 1, .batch_size = 10, .prefetch = 8, .prefetch_bytes = 16 * 10 * 3})
            .stats()
            .prefetch == 3);
  CHECK(make_loader(column, {.threads = 1, .batch_size = 10, .prefetch = 8, .prefetch_bytes = 1}).stats().prefetch ==
        1);
  CHECK_THROWS_AS(make_loader(column, {.threads = 1, .batch_size = SIZE_MAX / 8}), std::length_error);
}
