// SPDX-License-Identifier: MIT
// Columns that are filled in one pass, and samples of many parts that are scattered to their slots.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "decode/array_decoder.h"
#include "decode/joined_decoder.h"
#include "number_decoder.h"
#include "source/window.h"

namespace fastbatch {
namespace {

using Numbers = std::vector<std::uint64_t>;

template <typename T>
ArrayView view_of(const std::vector<T>& numbers, const char* descr, std::uint64_t columns = 0) {
  std::vector<std::uint64_t> shape{numbers.size()};
  if (columns > 0) shape = {numbers.size() / columns, columns};
  ArrayView view = dense_view(parse_descr(descr, {}), shape);
  view.data = reinterpret_cast<const std::byte*>(numbers.data());
  return view;
}

kernels::Conversion to_int64() { return {.dst = DType::kI64}; }

template <typename T>
std::vector<T> decoded(const Decoder& decoder, const Numbers& indices) {
  std::vector<T> out(indices.size() * decoder.slot_bytes() / sizeof(T));
  std::size_t failed_at = 0;
  decoder.decode(indices, {}, reinterpret_cast<std::byte*>(out.data()), *decoder.workspace(), failed_at);
  return out;
}

// Both columns in one pass, if they go together.
bool together(const Decoder& one, const Decoder& other, const Numbers& indices, std::vector<std::int64_t>& x,
              std::vector<std::int64_t>& y) {
  x.assign(indices.size() * one.slot_bytes() / sizeof(std::int64_t), -1);
  y.assign(indices.size() * other.slot_bytes() / sizeof(std::int64_t), -1);
  return one.decode_with(other, indices, reinterpret_cast<std::byte*>(x.data()), reinterpret_cast<std::byte*>(y.data()),
                         *one.workspace(), *other.workspace());
}

}  // namespace

TEST_CASE("contexts and the tokens after them are filled in one pass, as one column after the other") {
  std::vector<std::uint16_t> tokens(1000);
  std::iota(tokens.begin(), tokens.end(), std::uint16_t{7});
  const ArrayView whole = view_of(tokens, "<u2");
  const auto contexts = [&](std::uint64_t first, std::uint64_t length) {
    return ArrayDecoder(every(windows(every(whole, first, 1000 - first, 1), length, 1), 0, 40, 20), to_int64());
  };
  const ArrayDecoder x = contexts(0, 20), y = contexts(1, 20), shorter = contexts(3, 9);
  const Numbers indices{39, 0, 7, 7, 12};
  std::vector<std::int64_t> first, second;
  CHECK(together(x, y, indices, first, second));
  CHECK(first == decoded<std::int64_t>(x, indices));
  CHECK(second == decoded<std::int64_t>(y, indices));
  CHECK(together(y, x, indices, second, first));
  CHECK(second == decoded<std::int64_t>(y, indices));
  CHECK(together(x, shorter, indices, first, second));
  CHECK(second == decoded<std::int64_t>(shorter, indices));
}

TEST_CASE("columns that share no bytes, or are copied, are filled one after the other") {
  const std::vector<std::int64_t> numbers(100, 3), others(100, 3);
  const ArrayDecoder rows(view_of(numbers, "<i8", 10), to_int64());
  const ArrayDecoder far(view_of(others, "<i8", 10), to_int64());
  const ArrayDecoder copied(view_of(numbers, "<i8", 10), std::nullopt);
  const NumberDecoder no_array(10);
  std::vector<std::int64_t> first, second;
  const Numbers indices{1, 2};
  for (const Decoder* other : {static_cast<const Decoder*>(&far), static_cast<const Decoder*>(&copied),
                               static_cast<const Decoder*>(&no_array)}) {
    CHECK_FALSE(together(rows, *other, indices, first, second));
    CHECK(first == std::vector<std::int64_t>(20, -1));
  }
  CHECK_FALSE(together(no_array, rows, indices, second, first));
}

TEST_CASE("samples of several parts reach their slots, however they are mixed") {
  for (const std::uint64_t bytes : std::vector<std::uint64_t>{1, 2, 8, 24, 64, 700, 6000}) {  // each has its own loop
    std::vector<std::vector<std::uint8_t>> data;
    std::vector<std::shared_ptr<const Decoder>> copied, converted;
    for (std::uint8_t p = 0; p < 3; ++p) {
      data.emplace_back(50 * bytes);
      for (std::size_t i = 0; i < data[p].size(); ++i) data[p][i] = static_cast<std::uint8_t>(i * 7 + i / bytes + p);
      const ArrayView view = view_of(data[p], "|u1", bytes);
      copied.push_back(std::make_shared<ArrayDecoder>(view, std::nullopt));
      converted.push_back(std::make_shared<ArrayDecoder>(view, kernels::Conversion{.dst = DType::kU8}));
    }
    Numbers mixed(150), in_order(150);
    std::iota(in_order.begin(), in_order.end(), 0);
    for (std::uint64_t j = 0; j < 150; ++j) mixed[j] = j * 67 % 150;
    std::vector<std::uint8_t> expected;
    for (const std::uint64_t i : mixed) {
      const auto row = data[i / 50].begin() + static_cast<std::ptrdiff_t>(i % 50 * bytes);
      expected.insert(expected.end(), row, row + static_cast<std::ptrdiff_t>(bytes));
    }
    CHECK(decoded<std::uint8_t>(JoinedDecoder(copied), mixed) == expected);
    CHECK(decoded<std::uint8_t>(JoinedDecoder(converted), mixed) == expected);
    const Numbers few(mixed.begin(), mixed.begin() + 5);  // sample by sample
    expected.resize(5 * bytes);
    CHECK(decoded<std::uint8_t>(JoinedDecoder(copied), few) == expected);
  }
}

}  // namespace fastbatch
