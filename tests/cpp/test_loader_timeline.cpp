// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "loader/loader.h"
#include "loader/timeline.h"
#include "number_decoder.h"

using namespace fastbatch;
using namespace std::chrono_literals;

namespace {

Loader make_loader(std::size_t samples, Loader::Options options) {
  std::vector<std::shared_ptr<const Decoder>> columns{std::make_shared<NumberDecoder>(samples),
                                                      std::make_shared<NumberDecoder>(samples, 7)};
  return Loader(std::move(columns), options);
}

std::size_t take_all(Loader& loader, std::uint64_t samples, std::uint64_t batch_size) {
  const auto run = loader.start(Order(samples, {}, {}, 0, 0), BatchPlan(samples, 0, {}, batch_size, false), {});
  std::size_t batches = 0;
  Batch batch;
  for (Loader::Status status{}; (status = loader.next(*run, 1000ms, batch)) != Loader::Status::kEnd;)
    batches += status == Loader::Status::kBatch ? 1 : 0;
  return batches;
}

std::uint64_t samples_of(const Timeline::Recording& recording, std::uint32_t column) {
  std::uint64_t n = 0;
  for (const Event& event : recording.events)
    if (event.kind == Event::kDecode && event.column == column) n += event.count;
  return n;
}

}  // namespace

TEST_CASE("a timeline keeps the latest events of each thread") {
  Timeline timeline;
  timeline.add({.begin_ns = 1});  // it is off
  CHECK_FALSE(timeline.is_on());
  CHECK(timeline.stop().events.empty());
  timeline.start(2, 3);
  for (std::int64_t i = 0; i < 5; ++i) timeline.add({.begin_ns = i, .thread = 0});
  timeline.add({.begin_ns = 9, .thread = 1});
  timeline.add({.begin_ns = 9, .thread = 2});  // there is no such thread
  const Timeline::Recording recording = timeline.stop();
  REQUIRE(recording.events.size() == 4);
  CHECK(recording.overwritten == 2);
  for (std::size_t i = 0; i < 3; ++i) CHECK(recording.events[i].begin_ns == static_cast<std::int64_t>(i) + 2);
  CHECK(recording.events[3].thread == 1);
  CHECK_FALSE(timeline.is_on());
}

TEST_CASE("a timeline without room keeps one event") {
  Timeline timeline;
  timeline.start(1, 0);
  timeline.add({.begin_ns = 1});
  timeline.add({.begin_ns = 2});
  const Timeline::Recording recording = timeline.stop();
  REQUIRE(recording.events.size() == 1);
  CHECK(recording.events[0].begin_ns == 2);
}

TEST_CASE("a loader records every sample of every column, and each batch that is taken") {
  for (const unsigned threads : {1U, 3U}) {
    Loader loader = make_loader(1000, {.threads = threads, .batch_size = 64});
    CHECK(take_all(loader, 1000, 64) == 16);
    CHECK(loader.stop_recording().events.empty());  // nobody asked
    loader.start_recording(10'000);
    CHECK(take_all(loader, 1000, 64) == 16);
    const Timeline::Recording recording = loader.stop_recording();
    CHECK(recording.overwritten == 0);
    CHECK(samples_of(recording, 0) == 1000);
    CHECK(samples_of(recording, 1) == 1000);
    std::vector<std::uint64_t> taken;
    for (const Event& event : recording.events) {
      CHECK(event.begin_ns <= event.end_ns);
      CHECK(event.thread <= threads);
      if (event.kind == Event::kTake) {
        taken.push_back(event.batch);
        CHECK(event.thread == threads);
        CHECK(event.count >= 1);
      }
    }
    CHECK(taken.size() == 16);
    CHECK(std::is_sorted(taken.begin(), taken.end()));
    CHECK(take_all(loader, 1000, 64) == 16);
    CHECK(loader.stop_recording().events.empty());
  }
}

TEST_CASE("events of one thread do not overlap") {
  Loader loader = make_loader(4096, {.threads = 2, .batch_size = 16, .prefetch = 4});
  loader.start_recording(100'000);
  take_all(loader, 4096, 16);
  const Timeline::Recording recording = loader.stop_recording();
  for (std::uint32_t thread = 0; thread < 2; ++thread) {
    std::int64_t end = 0;
    for (const Event& event : recording.events) {
      if (event.thread != thread) continue;
      CHECK(event.begin_ns >= end);
      end = event.end_ns;
    }
  }
}

TEST_CASE("recording begins and ends while threads work") {
  Loader loader = make_loader(2000, {.threads = 3, .batch_size = 8});
  std::atomic<bool> done = false;
  std::thread consumer([&] {
    for (int i = 0; i < 5; ++i) take_all(loader, 2000, 8);
    done = true;
  });
  std::size_t n = 0;
  do {
    loader.start_recording(64);
    std::this_thread::yield();
    n += loader.stop_recording().events.size();
  } while (!done);
  consumer.join();
  CHECK(n > 0);
}
