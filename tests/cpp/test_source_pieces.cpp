// SPDX-License-Identifier: MIT
// Samples cut from many stretches of rows, several decoders as one, and what is standardised by itself.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "decode/array_decoder.h"
#include "decode/find.h"
#include "decode/joined_decoder.h"
#include "decode/standardize.h"
#include "source/pieces.h"
#include "source/window.h"

namespace fastbatch {
namespace {

using Numbers = std::vector<std::uint64_t>;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

ArrayView view_of(const std::vector<double>& numbers, std::uint64_t channels) {
  ArrayView view = dense_view(parse_descr("<f8", {}), {numbers.size() / channels, channels});
  view.data = reinterpret_cast<const std::byte*>(numbers.data());
  return view;
}

std::shared_ptr<const ArrayDecoder> rows_of(const std::vector<double>& numbers) {
  return std::make_shared<ArrayDecoder>(view_of(numbers, 1), std::nullopt);
}

template <typename T = double>
std::vector<T> decoded(const Decoder& decoder, const Numbers& indices) {
  std::vector<T> out(indices.size() * decoder.slot_bytes() / sizeof(T));
  std::size_t failed_at = 0;
  decoder.decode(indices, {}, reinterpret_cast<std::byte*>(out.data()), *decoder.workspace(), failed_at);
  return out;
}

}  // namespace

TEST_CASE("samples of pieces begin where the pieces say") {
  const Pieces pieces(Numbers{10, 50, 3, 70}, Numbers{3, 0, 1, 2}, 5);
  CHECK(pieces.size() == 6);
  CHECK(pieces.last_row() == 75);
  Numbers rows(8);
  pieces.rows(Numbers{0, 1, 2, 3, 4, 5, 1, 4}, rows);
  CHECK(rows == Numbers{10, 15, 20, 3, 70, 75, 15, 70});
  CHECK(Pieces({}, {}, 1).size() == 0);
}

TEST_CASE("pieces that cannot be are refused") {
  CHECK_THROWS_AS(Pieces(Numbers{1}, Numbers{}, 1), std::invalid_argument);
  CHECK_THROWS_AS(Pieces(Numbers{1}, Numbers{2}, 0), std::invalid_argument);
  CHECK_THROWS_AS(Pieces(Numbers{1}, Numbers{3}, kHuge / 2), std::invalid_argument);
  CHECK_THROWS_AS(Pieces(Numbers{kHuge}, Numbers{1}, 1), std::invalid_argument);
  CHECK_THROWS_AS(Pieces(Numbers{0, 0}, Numbers{kHuge / 2, 1}, 1), std::invalid_argument);
  const std::vector<double> numbers(4);
  const auto outside = std::make_shared<Pieces>(Numbers{3}, Numbers{2}, 1);
  CHECK_THROWS_AS(ArrayDecoder(view_of(numbers, 1), std::nullopt, outside), std::invalid_argument);
}

TEST_CASE("a decoder serves the rows that its pieces name") {
  const std::vector<double> numbers = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto pieces = std::make_shared<Pieces>(Numbers{4, 0}, Numbers{2, 1}, 1);
  const ArrayDecoder decoder(windows(view_of(numbers, 1), 3, 1), std::nullopt, pieces);
  CHECK(decoder.size() == 3);
  CHECK(decoded(decoder, {2, 1, 0}) == std::vector<double>{0, 1, 2, 5, 6, 7, 4, 5, 6});
}

TEST_CASE("joined decoders are one after another") {
  const std::vector<double> a = {1, 2}, b = {3}, c = {4, 5, 6};
  const JoinedDecoder joined({rows_of(a), rows_of(b), rows_of(c)});
  CHECK(joined.size() == 6);
  CHECK(decoded(joined, {5, 0, 1, 2, 3, 4}) == std::vector<double>{6, 1, 2, 3, 4, 5});
  CHECK(joined.advise(Numbers{5, 0}) == 0);
  CHECK_THROWS_AS(JoinedDecoder({}), std::invalid_argument);
  const std::vector<double> wide(4);
  CHECK_THROWS_AS(JoinedDecoder({rows_of(a), std::make_shared<ArrayDecoder>(view_of(wide, 2), std::nullopt)}),
                  std::invalid_argument);
}

TEST_CASE("samples are standardised channel by channel, constant ones become 0") {
  // Nine channels: eight in a group, and one more.
  std::vector<double> numbers(4 * 9);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i % 9 == 3 ? 1e9 / 3 : static_cast<double>(i * i % 17);
  ArrayDecoder decoder(windows(view_of(numbers, 9), 4, 1), kernels::Conversion{.dst = DType::kF32, .channels = 9});
  decoder.standardize_samples();
  const std::vector<float> out = decoded<float>(decoder, {0});
  for (std::size_t c = 0; c < 9; ++c) {
    double mean = 0, square = 0;
    for (std::size_t r = 0; r < 4; ++r) mean += out[r * 9 + c] / 4.0;
    for (std::size_t r = 0; r < 4; ++r) square += out[r * 9 + c] * out[r * 9 + c] / 4.0;
    CHECK(std::abs(mean) < 1e-6);
    CHECK(std::abs(square - (c == 3 ? 0 : 1)) < 1e-6);
  }
  ArrayDecoder whole(view_of(numbers, 9), kernels::Conversion{.dst = DType::kI32});
  CHECK_THROWS_AS(whole.standardize_samples(), std::invalid_argument);
}

TEST_CASE("moments of blocks are those of all rows") {
  std::vector<double> numbers;
  for (int i = 0; i < 12; ++i) numbers.push_back(1e6 + i * i % 7);
  Moments moments(1);
  moments.add(ArrayDecoder(every(windows(view_of(numbers, 1), 5, 1), 0, 2, 5), std::nullopt));
  moments.add(ArrayDecoder(every(windows(view_of(numbers, 1), 2, 1), 10, 1, 1), std::nullopt));
  double mean = 0, variance = 0;
  for (const double x : numbers) mean += (x - 1e6) / 12;
  for (const double x : numbers) variance += (x - 1e6 - mean) * (x - 1e6 - mean) / 12;
  CHECK(moments.n() == 12);
  CHECK(moments.mean()[0] == doctest::Approx(1e6 + mean).epsilon(1e-15));
  CHECK(moments.variance()[0] == doctest::Approx(variance).epsilon(1e-12));
  CHECK_THROWS_AS(Moments(0), std::invalid_argument);
  CHECK_THROWS_AS(Moments(5).add(*rows_of(numbers)), std::invalid_argument);
}

TEST_CASE("a number is found wherever it stands") {
  const std::array<std::int64_t, 6> numbers = {7, 1, 7, 7, 2, -7};
  ArrayView view = dense_view(parse_descr("<i8", {}), {3, 2});
  view.data = reinterpret_cast<const std::byte*>(numbers.data());
  CHECK(find_all(ArrayDecoder(view, std::nullopt), 7) == Numbers{0, 2, 3});
  CHECK(find_all(ArrayDecoder(view, std::nullopt), 9).empty());
  ArrayView bytes = dense_view(parse_descr("|u1", {}), {3});
  bytes.data = view.data;
  CHECK_THROWS_AS(find_all(ArrayDecoder(bytes, std::nullopt), 7), std::invalid_argument);
}

}  // namespace fastbatch
