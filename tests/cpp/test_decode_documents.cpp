// SPDX-License-Identifier: MIT
// Packs and batches of documents as slots: tokens, padding, segments, lengths, and arrays that do not fit together.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "decode/documents_decoder.h"
#include "decode/packed_decoder.h"
#include "source/descr.h"

namespace fastbatch {
namespace {

using Numbers = std::vector<std::uint64_t>;

// Documents of 2, 3, 1, 5 and 0 tokens, which are 10, 11, ...
const Numbers kLengths{2, 3, 1, 5, 0};
const Numbers kStarts{0, 2, 5, 6, 11};
std::vector<std::uint16_t> tokens_of(std::uint16_t n = 11) {
  std::vector<std::uint16_t> tokens(n);
  std::iota(tokens.begin(), tokens.end(), std::uint16_t{10});
  return tokens;
}

ArrayView view_of(const std::vector<std::uint16_t>& tokens) {
  ArrayView view = dense_view(parse_descr("<u2", {}), {tokens.size()});
  view.data = reinterpret_cast<const std::byte*>(tokens.data());
  return view;
}

std::vector<std::byte> fill_of(std::uint16_t value) {
  std::vector<std::byte> bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

template <typename T>
std::vector<T> decoded(const Decoder& decoder, const Numbers& indices, StreamKey key = {}) {
  std::vector<T> out(indices.size() * decoder.slot_bytes() / sizeof(T));
  std::size_t failed_at = 0;
  decoder.decode(indices, key, reinterpret_cast<std::byte*>(out.data()), *decoder.workspace(), failed_at);
  return out;
}

// Two buckets: the documents of up to 2 tokens, 0, 2 and 4, and the others, 1 and 3; batches of two.
struct Given {
  Numbers starts = kStarts, lengths = kLengths, members{0, 2, 4, 1, 3}, ends{3, 5}, widths{0, 0};
  Numbers firsts{0, 3, 2}, counts{2, 2, 1}, rows{2, 2, 2};
  std::uint64_t max_rows = 2;
  bool shuffled = false;

  [[nodiscard]] DocumentBatches batches() const {
    return {starts, lengths, members, ends, widths, firsts, counts, rows, max_rows, shuffled};
  }
};

}  // namespace

TEST_CASE("documents of a batch are padded to its longest") {
  const auto tokens = tokens_of();
  const Given given;
  const DocumentTokens decoder(view_of(tokens), std::nullopt, given.batches(), true, fill_of(7));
  CHECK(decoder.size() == 3);
  CHECK(decoder.slot_bytes() == 10 * sizeof(std::uint16_t));
  const auto found = decoded<std::uint16_t>(decoder, {0, 1});
  CHECK(std::vector(found.begin(), found.begin() + 4) == std::vector<std::uint16_t>{10, 11, 15, 7});
  CHECK(std::vector(found.begin() + 10, found.end()) ==
        std::vector<std::uint16_t>{12, 13, 14, 7, 7, 16, 17, 18, 19, 20});
  const DocumentNumbers numbers(given.batches());
  CHECK(decoded<std::int64_t>(numbers, {1, 2}) ==
        std::vector<std::int64_t>{2, 5, 2, 3, 5, 1, 3, /* repeated: */ 2, 0, 1, 0, 0, 4, 4});
}

TEST_CASE("documents of a batch are padded to their bucket, or follow one another") {
  const auto tokens = tokens_of();
  Given given;
  given.widths = {3, 6};
  const DocumentTokens padded(view_of(tokens), std::nullopt, given.batches(), true, fill_of(7));
  CHECK(padded.slot_bytes() == 12 * sizeof(std::uint16_t));
  const auto rows = decoded<std::uint16_t>(padded, {0});
  CHECK(std::vector(rows.begin(), rows.begin() + 6) == std::vector<std::uint16_t>{10, 11, 7, 15, 7, 7});
  const Given plain;
  const DocumentTokens ragged(view_of(tokens), std::nullopt, plain.batches(), false, fill_of(0));
  const auto flat = decoded<std::uint16_t>(ragged, {1});
  CHECK(std::vector(flat.begin(), flat.begin() + 8) == std::vector<std::uint16_t>{12, 13, 14, 16, 17, 18, 19, 20});
}

TEST_CASE("tokens are converted while they are copied") {
  const auto tokens = tokens_of();
  const Given given;
  kernels::Conversion conversion;
  conversion.dst = parse_descr("<i8", {}).dtype;
  const DocumentTokens decoder(view_of(tokens), conversion, given.batches(), true, std::vector<std::byte>(8));
  const auto found = decoded<std::int64_t>(decoder, {0});
  CHECK(std::vector(found.begin(), found.begin() + 4) == std::vector<std::int64_t>{10, 11, 15, 0});
}

TEST_CASE("each epoch has each document once, in another order") {
  constexpr std::uint64_t n = 100;
  Given given;
  given.starts.resize(n);
  std::iota(given.starts.begin(), given.starts.end(), std::uint64_t{0});
  given.lengths.assign(n, 1);
  given.members = given.starts;
  given.ends = {60, n};
  given.firsts.clear();
  for (std::uint64_t first = 0; first < n; first += 10) given.firsts.push_back(first);
  given.counts.assign(10, 10);
  given.rows = given.counts;
  given.max_rows = 10;
  given.shuffled = true;
  const DocumentNumbers numbers(given.batches());
  Numbers batches(10);
  std::iota(batches.begin(), batches.end(), std::uint64_t{0});
  std::vector<Numbers> epochs;
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    const auto found = decoded<std::int64_t>(numbers, batches, {5, epoch});
    epochs.emplace_back();
    for (std::size_t batch = 0; batch < 10; ++batch)
      for (std::size_t row = 0; row < 10; ++row) {
        const auto document = static_cast<std::uint64_t>(found[batch * 23 + 13 + row]);
        CHECK((document < 60) == (batch < 6));
        epochs.back().push_back(document);
      }
  }
  CHECK(epochs[0] != epochs[1]);
  for (Numbers& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    CHECK(epoch == given.starts);
  }
}

TEST_CASE("batches that do not fit their documents are refused") {
  const auto tokens = tokens_of();
  const auto refused = [&](auto&& change) {
    Given given;
    change(given);
    CHECK_THROWS_AS(DocumentTokens(view_of(tokens), std::nullopt, given.batches(), true, fill_of(0)),
                    std::invalid_argument);
    CHECK_THROWS_AS(DocumentNumbers(given.batches()), std::invalid_argument);
  };
  refused([](Given& given) { given.lengths.pop_back(); });
  refused([](Given& given) { given.members[0] = 5; });
  refused([](Given& given) { given.ends = {3, 4}; });
  refused([](Given& given) { given.ends = {5, 3}; });
  const auto larger = [](std::size_t batch) {  // beyond the members, or across buckets
    return [batch](Given& given) { given.counts[batch] = given.rows[batch] = given.max_rows = 4; };
  };
  refused(larger(0));
  refused(larger(1));
  refused([](Given& given) { given.counts[2] = 0; });
  refused([](Given& given) { given.rows[0] = 1; });
  refused([](Given& given) { given.rows[0] = 3; });
  refused([](Given& given) { given.firsts[0] = 5; });
  refused([](Given& given) { given.widths = {1, 5}; });
  refused([](Given& given) { given.starts[3] = ~std::uint64_t{0}; });
  Given beyond;
  beyond.lengths[4] = 1;
  CHECK_THROWS_AS(DocumentTokens(view_of(tokens), std::nullopt, beyond.batches(), true, fill_of(0)),
                  std::invalid_argument);
  const Given plain;
  CHECK_THROWS_AS(DocumentTokens(view_of(tokens), std::nullopt, plain.batches(), true, {}), std::invalid_argument);
  Given huge;
  huge.widths = {std::uint64_t{1} << 60, 5};
  CHECK_THROWS_AS(DocumentTokens(view_of(tokens), std::nullopt, huge.batches(), true, fill_of(0)),
                  std::invalid_argument);
}

TEST_CASE("packs: tokens, the next tokens, segments and positions") {
  const auto tokens = tokens_of();
  const Numbers starts{0, 5, 2, 6}, ends{2, 4};
  const std::vector<std::uint32_t> lengths{2, 1, 3, 5};
  const PackedPieces pieces{starts, lengths, ends, 9};
  const PackedTokens ids(view_of(tokens), std::nullopt, pieces, 0, fill_of(7));
  CHECK(decoded<std::uint16_t>(ids, {0}) == std::vector<std::uint16_t>{10, 11, 15, 7, 7, 7, 7, 7, 7});
  const PackedTokens next(view_of(tokens), std::nullopt, pieces, 1, fill_of(1));
  CHECK(decoded<std::uint16_t>(next, {1}) == std::vector<std::uint16_t>{13, 14, 1, 17, 18, 19, 20, 1, 1});
  CHECK(decoded<std::int32_t>(PackedNumbers(pieces, false), {1, 0}) ==
        std::vector<std::int32_t>{1, 1, 1, 2, 2, 2, 2, 2, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0});
  CHECK(decoded<std::int32_t>(PackedNumbers(pieces, true), {1}) ==
        std::vector<std::int32_t>{0, 1, 2, 0, 1, 2, 3, 4, 0});
}

TEST_CASE("pieces beyond the tokens or the context are refused") {
  const auto tokens = tokens_of();
  const Numbers starts{0, 5}, ends{2};
  const auto refused = [&](const std::vector<std::uint32_t>& lengths, const Numbers& pack_ends, std::uint32_t context) {
    CHECK_THROWS_AS(PackedTokens(view_of(tokens), std::nullopt, {starts, lengths, pack_ends, context}, 0, fill_of(0)),
                    std::invalid_argument);
  };
  refused({2, 7}, ends, 20);
  refused({2, 0}, ends, 20);
  refused({2, 3}, ends, 4);
  refused({2, 3}, {1}, 20);
  refused({2, 3}, ends, 0);
  refused({2}, ends, 20);
}

}  // namespace fastbatch
