// SPDX-License-Identifier: MIT
// The plan without Python: random streams against NumPy's numbers, bijections, shards. For statistics see
// tests/test_shuffle_quality.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <vector>

#include "common/philox.h"
#include "plan/batch_plan.h"
#include "plan/order.h"
#include "plan/permutation.h"

using namespace fastbatch;
using Indices = std::vector<std::uint64_t>;

namespace {

Indices iota(std::uint64_t n) {
  Indices all(n);
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  return all;
}

Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}

Indices whole(const Order& order) {
  Indices out(order.size());
  order.fill(0, 1, out);
  return out;
}

void append_batch(const BatchPlan& plan, const Order& order, std::uint64_t k, Indices& to) {
  Indices batch(plan.batch_size(k));
  plan.indices(order, k, 0, batch);
  to.insert(to.end(), batch.begin(), batch.end());
}

Indices rank_indices(const BatchPlan& plan, const Order& order) {
  Indices all;
  for (std::uint64_t k = 0; k < plan.n_batches(); ++k) append_batch(plan, order, k, all);
  return all;
}

}  // namespace

TEST_CASE("streams are NumPy's Philox") {
  Stream order(7, 3, 11, Purpose::kEpochOrder);
  for (std::uint64_t expected : {0x8313606d21a482bfu, 0xcb5322b5e7c5f983u, 0x4006732cca86d988u, 0x4a640cd429b72166u,
                                 0x9a12da2c840a1afbu, 0xcdd9d46c17f13173u}) {
    CHECK(order.next() == expected);
  }
  Stream extremes(~std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}, Purpose::kSplit);
  for (std::uint64_t expected :
       {0x644963273d6affceu, 0x455ee73604f2f414u, 0x9cadd2a5cf8f9482u, 0xfc36a32dc008a848u, 0x10774dce5b9892c4u}) {
    CHECK(extremes.next() == expected);
  }
  Stream sample(7, 3, 11);
  for (double expected : {0.8649091672632698, 0.890926246012486, 0.7907136516772075}) {
    CHECK(sample.uniform() == expected);
  }
}

TEST_CASE("Stream::below stays below and reaches every value") {
  Stream stream(1, 0, 0);
  CHECK(stream.below(1) == 0);
  std::vector<int> seen(6);
  for (int draw = 0; draw < 6000; ++draw) ++seen.at(stream.below(6));
  for (int count : seen) CHECK(std::abs(count - 1000) < 150);
  CHECK(stream.below(~std::uint64_t{0}) < ~std::uint64_t{0});
}

TEST_CASE("a permutation hits every item once, and inverse undoes it") {
  for (std::uint64_t n : {1u, 2u, 3u, 4u, 5u, 17u, 64u, 255u, 256u, 257u, 1000u, 65535u, 65536u, 65537u, 100003u}) {
    CAPTURE(n);
    const Permutation permutation(n, Stream(5, 1, 0, Purpose::kEpochOrder));
    const Indices in = iota(n);
    Indices out(n);
    permutation.at(in, out);
    CHECK(sorted(out) == in);
    for (std::uint64_t i = 0; i < n; i += 1 + n / 100) {
      CHECK(permutation.at(i) == out[i]);
      CHECK(permutation.inverse(out[i]) == i);
    }
  }
}

TEST_CASE("a permutation of up to 2^63 items goes there and back") {
  for (std::uint64_t n : {std::uint64_t{1'000'000'000'000}, (std::uint64_t{1} << 62) + 1, Permutation::kMaxSize}) {
    const Permutation permutation(n, Stream(~std::uint64_t{0}, 9, 0, Purpose::kEpochOrder));
    std::set<std::uint64_t> seen;
    for (std::uint64_t i : {std::uint64_t{0}, std::uint64_t{1}, n / 2, n - 2, n - 1}) {
      const std::uint64_t there = permutation.at(i);
      CHECK(there < n);
      CHECK(permutation.inverse(there) == i);
      seen.insert(there);
    }
    CHECK(seen.size() == 5);
  }
  CHECK_THROWS_AS(Permutation(Permutation::kMaxSize + 1, Stream(0, 0, 0)), std::invalid_argument);
}

TEST_CASE("spans may be of any length and map in place") {
  const Permutation permutation(1000, Stream(0, 0, 0, Purpose::kEpochOrder));
  for (std::size_t length = 0; length <= 19; ++length) {
    Indices in(length);
    for (std::size_t j = 0; j < length; ++j) in[j] = (j * 389) % 1000;
    Indices out = in;
    permutation.at(out, out);
    for (std::size_t j = 0; j < length; ++j) CHECK(out[j] == permutation.at(in[j]));
  }
}

TEST_CASE("an order goes through every sample once, whatever the shuffle") {
  for (std::uint64_t n : {1u, 2u, 7u, 64u, 100u, 1001u}) {
    for (Shuffle kind : {Shuffle::kNone, Shuffle::kFull, Shuffle::kBlock}) {
      for (std::uint64_t block : {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{2000}, ~std::uint64_t{0}}) {
        const Order order(n, {}, {kind, block, 3}, 1, 2);
        const Indices all = whole(order);
        CHECK(sorted(all) == iota(n));
        Indices strided((n + 2) / 3);
        order.fill(0, 3, strided);
        for (std::size_t j = 0; j < strided.size(); ++j) CHECK(strided[j] == all[3 * j]);
        CHECK(order.at(n - 1) == all[n - 1]);
        if (kind == Shuffle::kNone) CHECK(all == iota(n));
      }
    }
  }
  CHECK(Order(0, {}, {Shuffle::kBlock, 4, 2}, 0, 0).size() == 0);
}

TEST_CASE("block shuffle takes whole blocks, a window of them at a time") {
  constexpr std::uint64_t n = 1000, block = 10, window = 4;
  const Indices all = whole(Order(n, {}, {Shuffle::kBlock, block, window}, 3, 0));
  std::size_t in_order = 0;
  for (std::size_t at = 0; at < n; at += block * window) {
    std::set<std::uint64_t> blocks;
    for (std::size_t j = 0; j < block * window; ++j) {
      blocks.insert(all[at + j] / block);
      if (j > 0 && all[at + j] == all[at + j - 1] + 1) ++in_order;
    }
    CHECK(blocks.size() == window);
  }
  CHECK(in_order < 60);  // 25 windows with one such pair each, on average
}

TEST_CASE("subsets divide what was there before") {
  const Subset train{true, 8, 100, 0, 80}, held_out{true, 8, 100, 80, 20};
  const Order first(100, {&train, 1}, {Shuffle::kFull}, 1, 0);
  const Order second(100, {&held_out, 1}, {}, 1, 0);
  Indices both = whole(first);
  const Indices rest = whole(second);
  both.insert(both.end(), rest.begin(), rest.end());
  CHECK(sorted(both) == iota(100));

  const Subset chain[] = {{false, 0, 100, 10, 50}, {false, 0, 50, 5, 3}};
  CHECK(whole(Order(100, chain, {}, 0, 0)) == Indices{15, 16, 17});

  const Subset foreign{false, 0, 99, 0, 10}, outside{false, 0, 100, 60, 41};
  CHECK_THROWS_WITH_AS(Order(100, {&foreign, 1}, {}, 0, 0), "subset: expected one of 100 samples, found one of 99",
                       std::invalid_argument);
  CHECK_THROWS_AS(Order(100, {&outside, 1}, {}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(Order(100, {}, {Shuffle::kBlock, 0, 1}, 0, 0), std::invalid_argument);
}

TEST_CASE("blocks of different sizes") {
  const auto ends = [](Indices given) { return std::make_shared<const Indices>(std::move(given)); };
  for (std::uint64_t seed = 0; seed < 5; ++seed) {  // those of one size give the order of a block size
    const ShuffleOptions even{Shuffle::kBlock, 10, 3},
        listed{Shuffle::kBlock, 1, 3, ends({10, 20, 30, 40, 50, 60, 67})};
    CHECK(whole(Order(67, {}, even, seed, 2)) == whole(Order(67, {}, listed, seed, 2)));
  }
  const Indices sizes{3, 50, 53, 54, 90, 100};
  const Order order(100, {}, {Shuffle::kBlock, 1, 2, ends(sizes)}, 7, 1);
  const Indices all = whole(order);
  CHECK(sorted(all) == iota(100));
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(order.at(i) == all[i]);
  const auto block_of = [&](std::uint64_t index) {
    return std::upper_bound(sizes.begin(), sizes.end(), index) - sizes.begin();
  };
  for (std::size_t begin = 0; begin < 100;) {  // a window has all samples of two blocks
    std::set<std::ptrdiff_t> blocks;
    std::size_t end = begin;
    while (end < 100 && (blocks.size() < 2 || blocks.contains(block_of(all[end])))) blocks.insert(block_of(all[end++]));
    std::size_t expected = 0;
    for (const std::ptrdiff_t b : blocks)
      expected += sizes[static_cast<std::size_t>(b)] - (b == 0 ? 0 : sizes[static_cast<std::size_t>(b) - 1]);
    CHECK(end - begin == expected);
    begin = end;
  }
  const Subset part{false, 0, 120, 20, 100};
  for (std::uint64_t i = 0; i < 100; ++i)
    CHECK(Order(120, {&part, 1}, {Shuffle::kBlock, 1, 2, ends(sizes)}, 7, 1).at(i) == all[i] + 20);
  CHECK_THROWS_AS(Order(100, {}, {Shuffle::kBlock, 1, 2, ends({50, 99})}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(Order(100, {}, {Shuffle::kBlock, 1, 2, ends({60, 50, 100})}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(Order(100, {}, {Shuffle::kBlock, 1, 2, ends({})}, 0, 0), std::invalid_argument);
}

TEST_CASE("a list of items is a subset") {
  const auto listed = std::make_shared<const IndexList>(Indices{9, 2, 2, 7});
  const Subset some{.n = 50, .count = 4, .listed = listed}, range{false, 0, 100, 10, 50}, two{false, 0, 4, 1, 2};
  const Subset chain[] = {range, some, two};
  CHECK(whole(Order(50, {&some, 1}, {}, 0, 0)) == Indices{9, 2, 2, 7});
  CHECK(whole(Order(100, chain, {}, 0, 0)) == Indices{12, 12});
  CHECK(sorted(whole(Order(50, {&some, 1}, {Shuffle::kFull}, 1, 0))) == Indices{2, 2, 7, 9});
  CHECK(Order(0, {}, {}, 0, 0).size() == IndexList({}).size());

  const Subset outside{.n = 9, .count = 4, .listed = listed}, more{.n = 50, .count = 5, .listed = listed};
  CHECK_THROWS_AS(Order(9, {&outside, 1}, {}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(Order(50, {&more, 1}, {}, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(IndexList({~std::uint64_t{0}}), std::invalid_argument);
}

TEST_CASE("ranks together get every sample, by the rule for the tail") {
  for (std::uint64_t n : {0u, 1u, 5u, 24u, 100u}) {
    for (std::uint64_t world : {1u, 3u, 8u, 200u}) {
      for (std::uint64_t position : {std::uint64_t{0}, n / 3, n}) {
        CAPTURE(n);
        CAPTURE(world);
        CAPTURE(position);
        const Order order(n, {}, {Shuffle::kFull}, 4, 1);
        Indices expected = whole(order);
        expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(position));
        const std::uint64_t left = n - position;
        Indices uneven, drop, pad, mask;
        for (std::uint64_t rank = 0; rank < world; ++rank) {
          const auto get = [&](Tail tail) {
            return rank_indices(BatchPlan(n, position, {rank, world, tail}, 4, false), order);
          };
          const Indices of_uneven = get(Tail::kUneven), of_drop = get(Tail::kDrop), of_pad = get(Tail::kPad);
          CHECK(of_drop.size() == left / world);
          CHECK(of_pad.size() == (left + world - 1) / world);
          const Indices of_mask = get(Tail::kMask);
          CHECK(of_mask.size() == (left + 4 * world - 1) / (4 * world) * 4);
          mask.insert(mask.end(), of_mask.begin(), of_mask.end());
          uneven.insert(uneven.end(), of_uneven.begin(), of_uneven.end());
          drop.insert(drop.end(), of_drop.begin(), of_drop.end());
          pad.insert(pad.end(), of_pad.begin(), of_pad.end());
        }
        CHECK(sorted(uneven) == sorted(expected));
        const auto n_drop = static_cast<std::ptrdiff_t>(left - left % world);
        CHECK(sorted(drop) == sorted(Indices(expected.begin(), expected.begin() + n_drop)));
        for (std::size_t extra = 0; expected.size() < pad.size(); ++extra) expected.push_back(order.at(extra % n));
        CHECK(sorted(pad) == sorted(expected));
        for (std::size_t extra = pad.size() - left; expected.size() < mask.size(); ++extra)
          expected.push_back(order.at(extra % n));
        CHECK(sorted(mask) == sorted(expected));
      }
    }
  }
}

TEST_CASE("eight ranks stop anywhere, six go on: nothing lost, nothing twice") {
  constexpr std::uint64_t n = 997, batch = 5;
  const Order order(n, {}, {Shuffle::kFull}, 2, 7);
  for (std::uint64_t batches_done : {0u, 1u, 7u, 24u, 25u}) {
    Indices seen;
    std::uint64_t position = 0;
    for (std::uint64_t rank = 0; rank < 8; ++rank) {
      const BatchPlan plan(n, 0, {rank, 8, Tail::kUneven}, batch, false);
      for (std::uint64_t k = 0; k < batches_done; ++k) append_batch(plan, order, k, seen);
      position = plan.position_after(batches_done);
    }
    for (std::uint64_t rank = 0; rank < 6; ++rank) {
      const Indices rest = rank_indices(BatchPlan(n, position, {rank, 6, Tail::kUneven}, batch, false), order);
      seen.insert(seen.end(), rest.begin(), rest.end());
    }
    CHECK(sorted(seen) == iota(n));
  }
}

TEST_CASE("batches: counts, sizes, limits, parts") {
  const Order order(10, {}, {}, 0, 0);
  const BatchPlan plan(10, 0, {}, 4, false);
  CHECK(plan.n_batches() == 3);
  CHECK(plan.n_samples() == 10);
  CHECK(plan.batch_size(1) == 4);
  CHECK(plan.batch_size(2) == 2);
  CHECK(plan.batch_size(3) == 0);
  CHECK(plan.position_after(2) == 8);
  CHECK(plan.position_after(3) == 10);
  Indices part(2);
  plan.indices(order, 1, 1, part);
  CHECK(part == Indices{5, 6});
  CHECK_THROWS_AS(plan.indices(order, 2, 1, part), std::out_of_range);
  CHECK_THROWS_AS(plan.indices(order, 3, 0, part), std::out_of_range);

  CHECK(BatchPlan(10, 0, {}, 4, true).n_samples() == 8);
  CHECK(BatchPlan(10, 0, {}, 11, true).n_batches() == 0);
  CHECK(BatchPlan(10, 0, {}, 4, false, 1).n_samples() == 4);
  CHECK(BatchPlan(10, 3, {}, 4, false).n_batches() == 2);
  CHECK_THROWS_AS(BatchPlan(10, 11, {}, 4, false), std::invalid_argument);
  CHECK_THROWS_AS(BatchPlan(10, 0, {2, 2}, 4, false), std::invalid_argument);
  CHECK_THROWS_AS(BatchPlan(10, 0, {0, 0}, 4, false), std::invalid_argument);
  CHECK_THROWS_AS(BatchPlan(10, 0, {}, 0, false), std::invalid_argument);
}

TEST_CASE("huge epochs, batches and worlds do not overflow") {
  constexpr std::uint64_t n = Permutation::kMaxSize, max = ~std::uint64_t{0}, world = std::uint64_t{1} << 32;
  const Order order(n, {}, {}, 0, 0);
  const BatchPlan plan(n, 0, {world - 1, world, Tail::kPad}, 1000, false);
  CHECK(plan.n_samples() == n / world);
  Indices last(1);
  plan.indices(order, plan.n_batches() - 1, plan.batch_size(plan.n_batches() - 1) - 1, last);
  CHECK(last[0] == n - 1);
  CHECK(plan.position_after(max) == n);
  CHECK(BatchPlan(n, 0, {}, max, false).n_batches() == 1);
  CHECK(BatchPlan(n, 5, {}, max, false).position_after(1) == n);
  CHECK(BatchPlan(n, n - 3, {}, 2, false).n_batches() == 2);
}
