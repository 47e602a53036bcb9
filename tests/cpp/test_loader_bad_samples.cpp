// SPDX-License-Identifier: MIT
// Samples that cannot be decoded: left out, replaced, or the end of the run.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <numeric>

#include "loader/filler.h"
#include "loader/loader.h"
#include "number_decoder.h"

using namespace fastbatch;
using namespace std::chrono_literals;

namespace {

// Fails whole chunks at once, as a mapped file does, and with an error of any kind.
class Moody : public NumberDecoder {
 public:
  enum class Mood : std::uint8_t { kFile, kMemory };
  Moody(std::uint64_t n, std::size_t chunk, std::set<std::uint64_t> broken, Mood mood)
      : NumberDecoder(n, chunk), broken_(std::move(broken)), mood_(mood) {}
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override {
    NumberDecoder::decode(indices, key, slots, workspace, failed_at);
    failed_at = 0;
    const bool fails = std::any_of(indices.begin(), indices.end(), [&](auto i) { return broken_.contains(i); });
    if (fails && mood_ == Mood::kFile) throw FileError({.path = "moody"}, 5);
    if (fails) throw std::bad_alloc();
  }

 private:
  std::set<std::uint64_t> broken_;
  Mood mood_;
};

// As a decoder of images that fills truncated ones.
class Filling : public NumberDecoder {
 public:
  Filling(std::uint64_t n, std::set<std::uint64_t> broken, std::set<std::uint64_t> truncated)
      : NumberDecoder(n, 1, std::move(broken)), truncated_(std::move(truncated)) {}
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override {
    if (truncated_.contains(indices[0])) note_filled(std::make_exception_ptr(DecodeError({}, "ends early")));
    NumberDecoder::decode(indices, key, slots, workspace, failed_at);
  }

 private:
  std::set<std::uint64_t> truncated_;
};

struct Seen {
  std::vector<std::uint64_t> first, second;  // column
  std::vector<std::size_t> sizes;
  std::vector<std::uint64_t> bad;
  std::map<std::uint64_t, std::uint64_t> stand_ins;
  bool operator==(const Seen&) const = default;
};

Seen see(Loader& loader, Run& run) {
  Seen seen;
  Batch batch;
  for (;;) {
    const Loader::Status status = loader.next(run, 1000ms, batch);
    if (status == Loader::Status::kEnd) return seen;
    if (status == Loader::Status::kTimeout) continue;
    for (std::size_t j = 0; j < batch.samples; ++j) {
      std::uint64_t values[2];
      for (std::size_t c = 0; c < 2; ++c) std::memcpy(&values[c], batch.columns[c].data() + j * 8, 8);
      seen.first.push_back(values[0]);
      seen.second.push_back(values[1]);
    }
    seen.sizes.push_back(batch.samples);
    for (const BadSample& bad : batch.bad) {
      seen.bad.push_back(bad.sample);
      if (bad.replaced_by) seen.stand_ins[bad.sample] = *bad.replaced_by;
      CHECK(bad.error);
    }
  }
}

constexpr std::uint64_t kSamples = 200;
const std::set<std::uint64_t> kBroken{0, 5, 6, 7, 63, 64, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 150, 199};

Seen see(std::shared_ptr<const Decoder> one, std::shared_ptr<const Decoder> two, OnError on_error, unsigned threads,
         const Order& order) {
  Loader loader({std::move(one), std::move(two)}, {.threads = threads, .batch_size = 10, .on_error = on_error});
  const auto run = loader.start(order, BatchPlan(kSamples, 0, {}, 10, false), {.seed = 3, .epoch = 2});
  Seen seen = see(loader, *run);
  CHECK(loader.stats().bad_samples == seen.bad.size());
  CHECK(loader.stats().samples == seen.first.size());
  return seen;
}

}  // namespace

TEST_CASE("skipped samples leave no gap in any column, and empty batches stand where they were") {
  const Order order(kSamples, {}, {}, 0, 0);
  std::vector<std::uint64_t> expected;
  for (std::uint64_t i = 0; i < kSamples; ++i)
    if (!kBroken.contains(i)) expected.push_back(i);
  for (const unsigned threads : {1u, 2u, 8u})
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      const auto broken = std::make_shared<NumberDecoder>(kSamples, chunk, kBroken);
      const auto sound = std::make_shared<NumberDecoder>(kSamples, 4);
      for (const bool swapped : {false, true}) {
        const Seen seen = swapped ? see(sound, broken, OnError::kSkip, threads, order)
                                  : see(broken, sound, OnError::kSkip, threads, order);
        CHECK(seen.first == expected);
        CHECK(seen.second == expected);
        CHECK(seen.bad == std::vector<std::uint64_t>(kBroken.begin(), kBroken.end()));
        CHECK(seen.sizes[0] == 6);
        CHECK(seen.sizes[9] == 0);
        CHECK(seen.sizes.size() == 20);
      }
    }
}

TEST_CASE("a stand-in is the same for any threads, chunks and column that fails") {
  const Order order(kSamples, {}, {.kind = Shuffle::kFull}, 3, 2);
  std::vector<std::uint64_t> expected(kSamples);
  order.fill(0, 1, expected);
  Seen first;
  for (const unsigned threads : {1u, 2u, 8u})
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}}) {
      const auto broken = std::make_shared<NumberDecoder>(kSamples, chunk, kBroken);
      const auto sound = std::make_shared<NumberDecoder>(kSamples, 4);
      const Seen seen = see(broken, sound, OnError::kReplace, threads, order);
      if (first.first.empty()) first = seen;
      CHECK(seen == first);
      CHECK(see(sound, broken, OnError::kReplace, threads, order) == first);
    }
  CHECK(first.stand_ins.size() == kBroken.size());
  for (std::uint64_t& index : expected)
    if (first.stand_ins.contains(index)) index = first.stand_ins[index];
  CHECK(first.first == expected);
  CHECK(first.second == expected);
}

TEST_CASE("bad samples are listed in the order of the epoch, each once, though both columns fail") {
  const Order order(kSamples, {}, {.kind = Shuffle::kFull}, 3, 2);
  std::vector<std::uint64_t> expected;
  for (std::uint64_t position = 0; position < kSamples; ++position)
    if (kBroken.contains(order.at(position))) expected.push_back(order.at(position));
  const std::vector<std::uint64_t> first(expected.begin(), expected.begin() + 6);
  CHECK(first == std::vector<std::uint64_t>{94, 64, 0, 95, 93, 90});
  const std::set<std::uint64_t> others{6, 7, 8, 199};
  for (const unsigned threads : {1u, 2u, 8u})
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      const auto one = std::make_shared<NumberDecoder>(kSamples, chunk, kBroken);
      CHECK(see(one, one, OnError::kSkip, threads, order).bad == expected);
      CHECK(see(one, one, OnError::kReplace, threads, order).bad == expected);
      const auto two = std::make_shared<NumberDecoder>(kSamples, chunk, others);
      const std::vector<std::uint64_t> bad = see(two, one, OnError::kSkip, threads, order).bad;
      CHECK(bad == see(one, two, OnError::kSkip, threads, order).bad);
      CHECK(bad.size() == kBroken.size() + 1);
    }
}

TEST_CASE("the error that is raised is the first in the order of the epoch") {
  const Order order(kSamples, {}, {.kind = Shuffle::kFull}, 3, 2);
  for (const unsigned threads : {1u, 2u, 8u})
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
      const auto broken = std::make_shared<NumberDecoder>(kSamples, chunk, kBroken);
      const auto sound = std::make_shared<NumberDecoder>(kSamples, 4);
      std::uint64_t raised = kSamples;
      try {
        static_cast<void>(see(sound, broken, OnError::kRaise, threads, order));
      } catch (const DecodeError& error) {
        raised = error.where().sample.value_or(kSamples);
      }
      CHECK(raised == 94);
    }
}

TEST_CASE("when nothing can stand in, the sample's error comes out") {
  std::set<std::uint64_t> all;
  for (std::uint64_t i = 0; i < kSamples; ++i) all.insert(i);
  const auto broken = std::make_shared<NumberDecoder>(kSamples, 3, all);
  const auto sound = std::make_shared<NumberDecoder>(kSamples);
  CHECK_THROWS_WITH_AS(see(sound, broken, OnError::kReplace, 2, Order(kSamples, {}, {}, 0, 0)),
                       "numbers: sample 0: broken", DecodeError);
}

TEST_CASE("a chunk that fails as a whole is looked at one by one") {
  const Order order(kSamples, {}, {}, 0, 0);
  const auto sound = std::make_shared<NumberDecoder>(kSamples);
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
    const auto broken = std::make_shared<Moody>(kSamples, chunk, std::set<std::uint64_t>{8, 9}, Moody::Mood::kFile);
    const Seen seen = see(broken, sound, OnError::kSkip, 2, order);
    CHECK(seen.bad == std::vector<std::uint64_t>{8, 9});
    CHECK(seen.sizes[0] == 8);
  }
}

TEST_CASE("what is not the data's fault is raised") {
  const Order order(kSamples, {}, {}, 0, 0);
  const auto sound = std::make_shared<NumberDecoder>(kSamples);
  const auto broken = std::make_shared<Moody>(kSamples, 4, std::set<std::uint64_t>{8}, Moody::Mood::kMemory);
  for (const OnError on_error : {OnError::kSkip, OnError::kReplace})
    CHECK_THROWS_AS(see(broken, sound, on_error, 2, order), std::bad_alloc);
}

TEST_CASE("filled samples stay in their batch, and are listed in the order of the epoch unless they are bad") {
  const Order order(kSamples, {}, {.kind = Shuffle::kFull}, 3, 2);
  std::vector<std::uint64_t> every(kSamples);
  order.fill(0, 1, every);
  const std::set<std::uint64_t> truncated{1, 5, 7, 90, 101, 150, 198};
  std::vector<std::uint64_t> expected;
  for (const std::uint64_t i : every)
    if (truncated.contains(i) && !kBroken.contains(i)) expected.push_back(i);
  for (const unsigned threads : {1u, 8u}) {
    const auto column = std::make_shared<Filling>(kSamples, kBroken, truncated);
    Loader loader({column, column}, {.threads = threads, .batch_size = 10, .on_error = OnError::kSkip});
    const auto run = loader.start(order, BatchPlan(kSamples, 0, {}, 10, false), {.seed = 3, .epoch = 2});
    std::vector<std::uint64_t> found;
    std::size_t n = 0;
    Batch batch;
    for (Loader::Status status{}; (status = loader.next(*run, 1000ms, batch)) != Loader::Status::kEnd;) {
      if (status == Loader::Status::kTimeout) continue;
      for (const BadSample& one : batch.filled) {
        found.push_back(one.sample);
        CHECK(one.error);
      }
      n += batch.samples;
    }
    CHECK(found == expected);
    CHECK(n == kSamples - kBroken.size());
    CHECK(loader.stats().filled == expected.size());
    CHECK(loader.stats().bad_samples == kBroken.size());
  }
}
