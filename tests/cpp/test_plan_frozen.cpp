// SPDX-License-Identifier: MIT
// Orders as numbers: a change of a shuffle would break every saved position, and a test that compares two
// implementations of ours would not notice. tests/test_plan.py has the same algorithm in plain Python.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "plan/batch_plan.h"
#include "plan/order.h"

namespace fastbatch {
namespace {

using Indices = std::vector<std::uint64_t>;

Indices first(const Order& order, std::size_t n) {
  Indices out(n);
  order.fill(0, 1, out);
  for (std::size_t i = 0; i < n; ++i) CHECK(order.at(i) == out[i]);
  return out;
}

}  // namespace

TEST_CASE("a full shuffle depends on seed and epoch in this way") {
  const ShuffleOptions kFull{.kind = Shuffle::kFull};
  CHECK(first(Order(20, {}, kFull, 7, 3), 20) ==
        Indices{13, 10, 1, 2, 9, 16, 14, 8, 18, 0, 7, 4, 17, 3, 11, 12, 5, 19, 6, 15});
  CHECK(first(Order(20, {}, kFull, 7, 4), 20) ==
        Indices{0, 10, 15, 2, 3, 12, 19, 13, 6, 8, 7, 17, 14, 16, 11, 9, 18, 4, 5, 1});
  CHECK(first(Order(20, {}, kFull, 8, 3), 20) ==
        Indices{2, 3, 10, 7, 16, 11, 14, 0, 15, 6, 5, 17, 4, 18, 19, 13, 12, 1, 9, 8});
  CHECK(first(Order(1'000'003, {}, kFull, 7, 3), 5) == Indices{558022, 136360, 859617, 799512, 792898});
  CHECK(first(Order(std::uint64_t{1} << 40U, {}, kFull, 7, 3), 3) == Indices{878381934958, 389833642755, 493816256300});
}

TEST_CASE("the number of rounds changes at these sizes") {
  const ShuffleOptions kFull{.kind = Shuffle::kFull};
  CHECK(first(Order(255, {}, kFull, 7, 3), 5) == Indices{249, 237, 73, 139, 133});
  CHECK(first(Order(256, {}, kFull, 7, 3), 5) == Indices{101, 13, 104, 159, 65});
  CHECK(first(Order(257, {}, kFull, 7, 3), 5) == Indices{94, 238, 183, 115, 78});
  CHECK(first(Order(65535, {}, kFull, 7, 3), 5) == Indices{5198, 33242, 45085, 19686, 38392});
  CHECK(first(Order(65536, {}, kFull, 7, 3), 5) == Indices{2025, 39106, 1709, 61619, 42721});
  CHECK(first(Order(65537, {}, kFull, 7, 3), 5) == Indices{26287, 48273, 11654, 15295, 65238});
}

TEST_CASE("a block shuffle mixes three samples a block, two blocks a window, in this way") {
  const ShuffleOptions kBlocks{.kind = Shuffle::kBlock, .block_size = 3, .window = 2};
  CHECK(first(Order(20, {}, kBlocks, 7, 3), 20) ==
        Indices{16, 2, 0, 1, 15, 17, 4, 3, 8, 6, 5, 7, 12, 14, 10, 11, 9, 13, 18, 19});
}

TEST_CASE("the parts of a split are these samples") {
  const std::vector<Subset> large{{.shuffled = true, .seed = 5, .n = 20, .start = 8, .count = 12}};
  std::vector<Subset> small{{.shuffled = true, .seed = 5, .n = 20, .start = 0, .count = 8}};
  CHECK(first(Order(20, small, {}, 7, 3), 8) == Indices{5, 7, 8, 10, 15, 12, 19, 1});
  CHECK(first(Order(20, large, {}, 7, 3), 12) == Indices{14, 13, 16, 11, 2, 0, 4, 3, 6, 18, 9, 17});
  CHECK(first(Order(20, small, {.kind = Shuffle::kFull}, 7, 3), 8) == Indices{10, 1, 12, 5, 8, 19, 7, 15});
  small.push_back({.n = 8, .start = 2, .count = 4});
  CHECK(first(Order(20, small, {}, 7, 3), 4) == Indices{8, 10, 15, 12});
}

TEST_CASE("with more ranks than samples the order repeats, several times") {
  for (std::uint64_t rank = 0; rank < 8; ++rank) {
    const BatchPlan plan(3, 0, {.rank = rank, .world_size = 8}, 4, false);
    CHECK(plan.position(0, 0) == rank % 3);
  }
}

TEST_CASE("weights draw these samples") {
  const auto weighted = std::make_shared<const Draw>(Draw{.n = 16, .cumulative = {1, 3, 6, 10}, .listed = {}});
  CHECK(first(Order(4, {}, {}, 7, 3, weighted), 16) == Indices{1, 2, 2, 1, 2, 2, 3, 1, 3, 3, 0, 3, 1, 2, 2, 2});
  const auto listed = std::make_shared<const Draw>(Draw{.n = 4, .cumulative = {}, .listed = {2, 0, 3, 1}});
  CHECK(first(Order(4, {}, {}, 7, 3, listed), 4) == Indices{2, 0, 3, 1});
}

}  // namespace fastbatch
