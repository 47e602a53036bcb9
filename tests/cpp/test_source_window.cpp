// SPDX-License-Identifier: MIT
// Windows and strided rows: views inside the array that they were taken from, for any numbers.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "decode/array_decoder.h"
#include "source/npy.h"
#include "source/window.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using Shape = std::vector<std::uint64_t>;
using Strides = std::vector<std::ptrdiff_t>;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

// Rows (0, 1), (2, 3), ..., (18, 19) of bytes.
struct TenRows {
  TenRows() : view(dense_view(parse_descr("|u1", {}), {10, 2})) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    view.data = bytes.data();
  }
  std::array<std::byte, 20> bytes{};
  ArrayView view;
};

std::vector<int> decoded(const ArrayView& view, std::uint64_t i) {
  const ArrayDecoder decoder(view, std::nullopt);
  std::vector<std::byte> slot(decoder.slot_bytes());
  std::size_t failed_at = 0;
  decoder.decode({&i, 1}, {}, slot.data(), *decoder.workspace(), failed_at);
  std::vector<int> values;
  for (const std::byte byte : slot) values.push_back(std::to_integer<int>(byte));
  return values;
}

}  // namespace

TEST_CASE("a window is the rows from its own on") {
  const TenRows ten;
  const ArrayView view = windows(ten.view, 3, 1);
  CHECK(view.shape == Shape{8, 3, 2});
  CHECK(view.strides == Strides{2, 2, 1});
  CHECK(decoded(view, 0) == std::vector<int>{0, 1, 2, 3, 4, 5});
  CHECK(decoded(view, 7) == std::vector<int>{14, 15, 16, 17, 18, 19});
}

TEST_CASE("steps leave rows out; strides leave windows out") {
  const TenRows ten;
  const ArrayView view = every(windows(ten.view, 3, 4), 1, 1, kHuge);
  CHECK(view.shape == Shape{1, 3, 2});
  CHECK(decoded(view, 0) == std::vector<int>{2, 3, 10, 11, 18, 19});
  const ArrayView some = every(windows(ten.view, 2, 1), 0, 3, 4);
  CHECK(some.shape == Shape{3, 2, 2});
  CHECK(decoded(some, 2) == std::vector<int>{16, 17, 18, 19});
  CHECK(every(ten.view, 9, 1, 0).shape == Shape{1, 2});
  CHECK(windows(ten.view, 1, kHuge).shape == Shape{10, 1, 2});
}

TEST_CASE("what lies outside is refused") {
  const TenRows ten;
  for (const auto& [length, step] : {std::pair{std::uint64_t{11}, std::uint64_t{1}},
                                     {0, 1},
                                     {2, 0},
                                     {3, 5},
                                     {kHuge, 1},
                                     {2, kHuge},
                                     {kHuge, kHuge},
                                     {1ULL << 63, 2},
                                     {3, 1ULL << 63}}) {
    CAPTURE(length);
    CAPTURE(step);
    CHECK_THROWS_AS(windows(ten.view, length, step), std::invalid_argument);
  }
  for (const auto& [start, n, stride] : {std::tuple{std::uint64_t{10}, std::uint64_t{1}, std::uint64_t{1}},
                                         {0, 11, 1},
                                         {0, 0, 1},
                                         {1, 4, 3},
                                         {9, 2, 1},
                                         {kHuge, 1, 1},
                                         {0, kHuge, 1},
                                         {0, 2, kHuge},
                                         {1, 3, 1ULL << 63},
                                         {0, 2, 0}}) {
    CAPTURE(start);
    CAPTURE(n);
    CAPTURE(stride);
    CHECK_THROWS_AS(every(ten.view, start, n, stride), std::invalid_argument);
  }
  CHECK_THROWS_AS(windows(dense_view(parse_descr("|u1", {}), {}), 1, 1), std::invalid_argument);
  ArrayView endless = dense_view(parse_descr("<u8", {}), {1ULL << 59});
  CHECK_THROWS_WITH_AS(windows(endless, 1ULL << 58, 1), "windows: more than 2^63 - 1 bytes in all",
                       std::invalid_argument);
}

TEST_CASE("windows of a mapped file know where they end in it") {
  const testing::TemporaryFolder folder;
  const std::string content = testing::npy("{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }", "abcdef");
  const ArrayView file = open_npy(folder.write("six.npy", content));
  CHECK(windows(file, 2, 2).file_end() == file.file_end());
  const ArrayView part = every(windows(file, 2, 1), 1, 2, 2);  // bc, de
  CHECK(part.file_end() == file.file_end() - 1);
  CHECK(part.file_offset() == file.file_offset() + 1);
  CHECK(part.file == file.file);
}

}  // namespace fastbatch
