// SPDX-License-Identifier: MIT
// Packing without Python: nothing lost, nothing twice, long documents, empty ones, windows, and the fit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/philox.h"
#include "plan/packing.h"

namespace fastbatch {
namespace {

using Numbers = std::vector<std::uint64_t>;

Numbers some_lengths(std::size_t n, std::uint64_t longest, std::uint64_t seed) {
  Stream random(seed, 0, 0);
  Numbers lengths(n);
  for (std::uint64_t& length : lengths) length = random.below(longest + 1);
  return lengths;
}

Numbers bounds_of(const Numbers& lengths, std::uint64_t begin = 0) {
  Numbers bounds{begin};
  for (const std::uint64_t length : lengths) bounds.push_back(bounds.back() + length);
  return bounds;
}

// The pieces that there should be: (start, length), ascending.
std::vector<std::pair<std::uint64_t, std::uint64_t>> expected_pieces(const Numbers& lengths, std::uint64_t context,
                                                                     bool splits, std::uint64_t begin = 0) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;
  for (const std::uint64_t length : lengths) {
    for (std::uint64_t done = 0; done < length && (splits || done == 0); done += context)
      pieces.emplace_back(begin + done, std::min(context, length - done));
    begin += length;
  }
  return pieces;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces_of(const Packing& packing) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;
  for (std::size_t i = 0; i < packing.starts.size(); ++i) pieces.emplace_back(packing.starts[i], packing.lengths[i]);
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

// Tokens of each pack.
Numbers filled(const Packing& packing) {
  Numbers sums;
  std::uint64_t piece = 0;
  for (const std::uint64_t end : packing.ends) {
    sums.push_back(0);
    for (; piece < end; ++piece) sums.back() += packing.lengths[piece];
  }
  return sums;
}

bool same(const Packing& a, const Packing& b) {
  return a.starts == b.starts && a.lengths == b.lengths && a.ends == b.ends;
}

}  // namespace

TEST_CASE("each token is in one pack, and no pack is too long") {
  for (const std::uint32_t context : {1u, 7u, 63u, 64u, 65u, 300u, 5000u}) {
    for (const std::size_t window : {std::size_t{1}, std::size_t{10}, std::size_t{1000}}) {
      for (const auto long_documents : {LongDocuments::kSplit, LongDocuments::kCut}) {
        CAPTURE(context);
        CAPTURE(window);
        const Numbers lengths = some_lengths(700, 180, context + window);
        const Packing packing = pack_documents(lengths, true, {context, window, long_documents});
        CHECK(pieces_of(packing) == expected_pieces(lengths, context, long_documents == LongDocuments::kSplit));
        const Numbers sums = filled(packing);
        CHECK(*std::min_element(sums.begin(), sums.end()) > 0);
        CHECK(*std::max_element(sums.begin(), sums.end()) <= context);
        CHECK(packing.ends.back() == packing.starts.size());
        const Packing by_bounds = pack_documents(bounds_of(lengths), false, {context, window, long_documents});
        CHECK(same(packing, by_bounds));
      }
    }
  }
}

TEST_CASE("pieces in a pack and packs of a window are in the order of the documents") {
  const Numbers lengths = some_lengths(500, 90, 5);
  const Packing packing = pack_documents(lengths, true, {100, 500, LongDocuments::kSplit});
  std::uint64_t piece = 0, last_first = 0;
  for (const std::uint64_t end : packing.ends) {
    CHECK(packing.starts[piece] >= last_first);
    last_first = packing.starts[piece];
    for (++piece; piece < end; ++piece) CHECK(packing.starts[piece] > packing.starts[piece - 1]);
  }
}

TEST_CASE("a window packs no document of another one") {
  const Numbers lengths = some_lengths(95, 40, 6);
  const Packing whole = pack_documents(lengths, true, {50, 10, LongDocuments::kSplit});
  Packing parts;
  std::uint64_t begin = 0;
  for (std::size_t first = 0; first < lengths.size(); first += 10) {
    const Numbers window(lengths.begin() + static_cast<std::ptrdiff_t>(first),
                         lengths.begin() + static_cast<std::ptrdiff_t>(std::min(first + 10, lengths.size())));
    const Packing one = pack_documents(bounds_of(window, begin), false, {50, 1000, LongDocuments::kSplit});
    for (const std::uint64_t end : one.ends) parts.ends.push_back(parts.starts.size() + end);
    parts.starts.insert(parts.starts.end(), one.starts.begin(), one.starts.end());
    parts.lengths.insert(parts.lengths.end(), one.lengths.begin(), one.lengths.end());
    begin = std::accumulate(window.begin(), window.end(), begin);
  }
  CHECK(same(whole, parts));
}

TEST_CASE("no two packs of a window would fit into one") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Numbers sums = filled(pack_documents(some_lengths(60, 70, seed), true, {80, 60, LongDocuments::kSplit}));
    std::sort(sums.begin(), sums.end());
    CHECK((sums.size() < 2 || sums[0] + sums[1] > 80));
  }
}

TEST_CASE("the fullest pack that has room is taken") {
  // 6 and 5 open two packs, with room for 4 and 5. 4 fits both and fills the first; the rest fills the second.
  const Packing packing = pack_documents(Numbers{6, 5, 3, 4, 1, 1}, true, {10, 6, LongDocuments::kCut});
  CHECK(filled(packing) == Numbers{10, 10});
  CHECK(packing.ends == Numbers{2, 6});
}

TEST_CASE("long documents are split or cut") {
  const Packing split = pack_documents(Numbers{25, 3}, true, {10, 2, LongDocuments::kSplit});
  CHECK(split.starts == Numbers{0, 10, 20, 25});
  CHECK(split.lengths == std::vector<std::uint32_t>{10, 10, 5, 3});
  CHECK(split.ends == Numbers{1, 2, 4});
  const Packing cut = pack_documents(Numbers{25, 3}, true, {10, 2, LongDocuments::kCut});
  CHECK(cut.starts == Numbers{0, 25});
  CHECK(cut.lengths == std::vector<std::uint32_t>{10, 3});
  CHECK(cut.ends == Numbers{1, 2});
  const Packing exact = pack_documents(Numbers{20}, true, {10, 1, LongDocuments::kSplit});
  CHECK(exact.ends == Numbers{1, 2});
}

TEST_CASE("documents that begin far into the tokens") {
  const std::uint64_t far = std::uint64_t{1} << 40;
  const Packing packing = pack_documents(Numbers{far, far + 4, far + 4, far + 9}, false, {8, 9, LongDocuments::kCut});
  CHECK(packing.starts == Numbers{far, far + 4});
  CHECK(packing.lengths == std::vector<std::uint32_t>{4, 5});
}

TEST_CASE("nothing to pack") {
  for (const bool are_lengths : {true, false}) {
    CHECK(pack_documents({}, are_lengths, {8, 4, LongDocuments::kSplit}).ends.empty());
    const Numbers empty(5, 0);
    const Packing packing = pack_documents(empty, are_lengths, {8, 2, LongDocuments::kSplit});
    CHECK(packing.starts.empty());
    CHECK(packing.ends.empty());
  }
  CHECK(pack_documents(Numbers{3}, false, {8, 4, LongDocuments::kSplit}).ends.empty());  // one bound, no document
  const Packing some = pack_documents(Numbers{0, 2, 0, 0, 3, 0}, true, {8, 1, LongDocuments::kSplit});
  CHECK(some.starts == Numbers{0, 2});
}

TEST_CASE("contexts and windows without room are refused") {
  CHECK_THROWS_AS(pack_documents(Numbers{1}, true, {0, 4, LongDocuments::kSplit}), std::invalid_argument);
  CHECK_THROWS_AS(pack_documents(Numbers{1}, true, {8, 0, LongDocuments::kSplit}), std::invalid_argument);
}

}  // namespace fastbatch
