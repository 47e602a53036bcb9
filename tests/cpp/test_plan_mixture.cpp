// SPDX-License-Identifier: MIT
// Mixtures of orders without Python: shares, epochs of the parts, nothing lost or twice, resume, several threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/joined_thread.h"
#include "plan/batch_plan.h"
#include "plan/mixture.h"

namespace fastbatch {
namespace {

using Indices = std::vector<std::uint64_t>;
using Turns = std::vector<std::uint16_t>;

const Turns kTurns = {0, 1, 0, 2, 0, 1, 0, 1, 0, 2};  // 5 : 3 : 2

Order part_order(std::uint64_t n, Shuffle shuffle, std::uint64_t seed) { return {n, {}, {shuffle, 2, 2}, seed, 0}; }

// Parts of 11, 7 and 5 samples: shuffled, in blocks, in order.
std::vector<Mixture::Part> three_parts() {
  std::vector<Mixture::Part> parts;
  parts.push_back({part_order(11, Shuffle::kFull, 3), 0});
  parts.push_back({part_order(7, Shuffle::kBlock, 4), 11});
  parts.push_back({part_order(5, Shuffle::kNone, 5), 18});
  return parts;
}

std::size_t part_of(std::uint64_t sample) { return sample < 11 ? 0 : sample < 18 ? 1 : 2; }

Indices epoch_of(const Mixture& mixture, std::uint64_t epoch) {
  Indices items(mixture.size());
  std::iota(items.begin(), items.end(), std::uint64_t{0});
  mixture.indices(epoch, items);
  return items;
}

Indices order_in(const Order& order, std::uint64_t epoch) {
  Indices all(order.size());
  order.in_epoch(epoch).fill(0, 1, all);
  return all;
}

}  // namespace

TEST_CASE("after any number of turns each part of a mixture has its share") {
  const Mixture mixture(three_parts(), kTurns, 10'000);
  const Indices samples = epoch_of(mixture, 0);
  const double shares[] = {0.5, 0.3, 0.2};
  double had[] = {0, 0, 0};
  for (std::size_t turn = 0; turn < samples.size(); ++turn) {
    ++had[part_of(samples[turn])];
    for (int part = 0; part < 3; ++part) {
      const double ideal = shares[part] * static_cast<double>(turn + 1);
      CHECK_MESSAGE(std::abs(had[part] - ideal) < 1, "turn ", turn, " part ", part);
    }
  }
}

TEST_CASE("each epoch of a part has each of its samples once, in the part's own order") {
  const auto parts = three_parts();
  constexpr std::uint64_t n = 13;  // of an epoch of the mixture: parts end in the middle of it
  const Mixture mixture(three_parts(), kTurns, n);
  std::vector<Indices> of_part(3);
  for (std::uint64_t epoch = 0; epoch < 40; ++epoch)
    for (const std::uint64_t sample : epoch_of(mixture, epoch))
      of_part[part_of(sample)].push_back(sample - parts[part_of(sample)].first);
  for (std::size_t part = 0; part < 3; ++part) {
    const std::uint64_t size = parts[part].order.size();
    Indices expected;
    for (std::uint64_t epoch = 0; expected.size() < of_part[part].size(); ++epoch) {
      const Indices one = order_in(parts[part].order, epoch);
      CHECK(one.size() == size);
      expected.insert(expected.end(), one.begin(), one.end());
    }
    expected.resize(of_part[part].size());
    CHECK(of_part[part] == expected);
  }
}

TEST_CASE("an item of a mixture does not depend on what was asked before") {
  const Mixture mixture(three_parts(), kTurns, 57), fresh(three_parts(), kTurns, 57);
  const Indices whole = epoch_of(mixture, 6);
  for (std::uint64_t item = 57; item-- > 0;) {  // backwards, one by one, epochs in between
    Indices one{item};
    fresh.indices(6, one);
    CHECK(one[0] == whole[item]);
    Indices other{item};
    fresh.indices(item % 5, other);
  }
  Indices repeated{50, 3, 50, 3, 56, 0};  // neither ascending nor distinct
  fresh.indices(6, repeated);
  CHECK(repeated == Indices{whole[50], whole[3], whole[50], whole[3], whole[56], whole[0]});
}

TEST_CASE("ranks of a mixture share out its samples, also from the middle on") {
  const auto mixture = std::make_shared<const Mixture>(three_parts(), kTurns, 57);
  const Order order(57, {}, {}, 0, 2, nullptr, mixture);
  const Indices whole = epoch_of(*mixture, 2);
  for (const std::uint64_t position : {0u, 1u, 20u, 56u, 57u}) {
    Indices dealt(57 - position);
    for (std::uint64_t rank = 0; rank < 4; ++rank) {
      const BatchPlan plan(57, position, {rank, 4, Tail::kUneven}, 3, false);
      for (std::uint64_t k = 0; k < plan.n_batches(); ++k) {
        Indices batch(plan.batch_size(k));
        plan.indices(order, k, 0, batch);
        for (std::size_t j = 0; j < batch.size(); ++j) dealt[plan.position(k, j) - position] = batch[j];
      }
    }
    CHECK(dealt == Indices(whole.begin() + static_cast<std::ptrdiff_t>(position), whole.end()));
  }
}

TEST_CASE("samples of a mixture have the keys of their parts") {
  const Mixture mixture(three_parts(), kTurns, 57);
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    const Indices samples = epoch_of(mixture, epoch);
    std::vector<std::uint64_t> had(3);
    for (std::uint64_t item = 0; item < 57; ++item) {
      const std::size_t part = part_of(samples[item]);
      const StreamKey key = mixture.key(epoch, item);
      CHECK(key.seed == 3 + part);
      const std::uint64_t size = part == 0 ? 11 : part == 1 ? 7 : 5;
      const std::uint64_t before = (epoch * 57 + item) / 10 * std::vector<std::uint64_t>{5, 3, 2}[part] / size;
      CHECK(key.epoch >= before);
      CHECK(key.epoch <= before + 1);
    }
  }
}

TEST_CASE("parts one after another") {
  const Mixture mixture(three_parts(), {}, 23);
  const auto parts = three_parts();
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    Indices expected;
    for (const Mixture::Part& part : parts)
      for (const std::uint64_t sample : order_in(part.order, epoch)) expected.push_back(part.first + sample);
    CHECK(epoch_of(mixture, epoch) == expected);
    CHECK(mixture.key(epoch, 10).seed == 3);
    CHECK(mixture.key(epoch, 11).seed == 4);
    CHECK(mixture.key(epoch, 22).seed == 5);
    CHECK(mixture.key(epoch, 22).epoch == epoch);
  }
}

TEST_CASE("very late epochs of a mixture") {
  std::vector<Mixture::Part> parts;
  parts.push_back({part_order(3, Shuffle::kFull, 1), 0});
  const Mixture mixture(std::move(parts), {0}, 3);
  Indices samples = epoch_of(mixture, (std::uint64_t{1} << 61) - 1);
  std::sort(samples.begin(), samples.end());
  CHECK(samples == Indices{0, 1, 2});
}

TEST_CASE("threads share a mixture, each in an epoch of its own") {
  const Mixture mixture(three_parts(), kTurns, 57);
  std::vector<Indices> expected;
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch)
    expected.push_back(epoch_of(Mixture(three_parts(), kTurns, 57), epoch));
  std::vector<int> equal(4);
  {
    std::vector<JoinedThread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int again = 0; again < 50; ++again) equal[t] += epoch_of(mixture, t) == expected[t];
      });
  }
  CHECK(equal == std::vector<int>{50, 50, 50, 50});
}

TEST_CASE("mixtures that cannot be are refused") {
  const auto empty = [] {
    auto parts = three_parts();
    parts.push_back({part_order(0, Shuffle::kNone, 0), 23});
    return parts;
  };
  CHECK_THROWS_AS(Mixture({}, {}, 0), std::invalid_argument);
  CHECK_THROWS_AS(Mixture(three_parts(), {0, 1, 2, 3}, 9), std::invalid_argument);  // a turn of no part
  CHECK_THROWS_AS(Mixture(three_parts(), {0, 1}, 9), std::invalid_argument);        // a part without turns
  CHECK_THROWS_AS(Mixture(empty(), {0, 1, 2, 3}, 9), std::invalid_argument);        // a part without samples
  CHECK_THROWS_AS(Mixture(three_parts(), {}, 22), std::invalid_argument);           // not all samples
}

}  // namespace fastbatch
