// SPDX-License-Identifier: MIT
// Choosing instruction sets, gathering rows, swapping bytes. The casts are in test_kernels_cast.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "kernels/kernels.h"
#include "kernels_on_all_targets.h"

namespace fastbatch::kernels {
namespace {

using testing::Arena;
using testing::kLengths;
using testing::kOffsets;
using testing::noise;

std::vector<std::byte> gathered(const std::vector<std::byte>& base, std::size_t start, std::ptrdiff_t stride,
                                std::size_t row_bytes, const std::vector<std::uint64_t>& rows) {
  std::vector<std::byte> batch(rows.size() * row_bytes);
  gather(base.data() + start, stride, row_bytes, rows, batch.data());
  return batch;
}

TEST_CASE("targets: the best is used until one is named") {
  const std::vector<std::string> names = supported_targets();
  REQUIRE_FALSE(names.empty());
  CHECK(names.back() == "scalar");
  CHECK(std::count(names.begin(), names.end(), "scalar") == 1);
  CHECK(active_target() == names.front());
  for (const std::string& name : names) {
    narrow_targets(name);
    CHECK(active_target() == name);
    CHECK(supported_targets() == names);  // narrowing does not forget the others
  }
  narrow_targets("");
  CHECK(active_target() == names.front());
}

TEST_CASE("targets: an unknown name is refused, names the known ones and changes nothing") {
  const std::vector<std::string> names = supported_targets();
  narrow_targets("scalar");
  for (const char* wrong : {"avx9", "AVX2", " ", "scalar ", "unknown"}) {
    try {
      narrow_targets(wrong);
      FAIL("accepted " << wrong);
    } catch (const std::invalid_argument& error) {
      const std::string message = error.what();
      CHECK(message.find("'" + std::string(wrong) + "'") != std::string::npos);
      for (const std::string& name : names) CHECK(message.find(name) != std::string::npos);
    }
    CHECK(active_target() == "scalar");
  }
  narrow_targets("");
}

TEST_CASE("gather: any rows, of any size, in any order") {
  constexpr std::size_t kRows = 40;
  const std::vector<std::vector<std::uint64_t>> orders = {
      {}, {7}, {3, 3, 3}, {0, 1, 2, 3}, {5, 6, 7, 9}, {39, 0, 38, 1, 37, 2, 36, 3, 20, 21, 22}, {9, 8, 7}};
  for (const std::size_t row_bytes :
       {0U, 1U, 2U, 3U, 4U, 5U, 8U, 12U, 16U, 63U, 64U, 65U, 784U, 3136U, 5119U, 5120U, 5633U, 16384U, 17000U}) {
    const std::vector<std::byte> base = noise(kRows * row_bytes + 1);
    for (const auto& rows : orders) {
      const auto batch = gathered(base, 0, static_cast<std::ptrdiff_t>(row_bytes), row_bytes, rows);
      for (std::size_t j = 0; j < rows.size() && row_bytes != 0; ++j) {
        CHECK(std::memcmp(batch.data() + j * row_bytes, base.data() + rows[j] * row_bytes, row_bytes) == 0);
      }
    }
  }
}

TEST_CASE("gather: strides wider than the row, zero and negative") {
  const std::vector<std::byte> base = noise(1000);
  const std::vector<std::uint64_t> rows = {0, 1, 2, 9, 4};
  for (const std::ptrdiff_t stride : {24, 8, 0, -24}) {
    const std::size_t start = stride < 0 ? 500 : 0;
    const auto batch = gathered(base, start, stride, 8, rows);
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const auto at = static_cast<std::ptrdiff_t>(start) + static_cast<std::ptrdiff_t>(rows[j]) * stride;
      CHECK(std::memcmp(batch.data() + j * 8, base.data() + at, 8) == 0);
    }
  }
}

TEST_CASE("gather_pieces: every size of piece, in its place and nowhere else") {
  constexpr std::size_t kRows = 7;
  const std::vector<std::vector<std::uint64_t>> orders = {{}, {2}, {1, 2, 3, 4}, {6, 0, 5, 5, 1}};
  std::vector<std::size_t> sizes = {63, 64, 65, 511, 512, 513};
  for (std::size_t size = 1; size <= 49; ++size) sizes.push_back(size);
  for (const std::size_t piece : sizes)
    for (const std::size_t n_pieces : {1U, 3U})
      for (const std::size_t gap : {0U, 1U, 20U}) {
        const std::size_t row_bytes = n_pieces * piece, stride = piece + gap;
        const std::vector<std::byte> base = noise(kRows * row_bytes);
        for (const auto& rows : orders) {
          std::vector<std::byte> expected = noise(rows.size() * n_pieces * stride + 1);
          std::vector<std::byte> found = expected;
          for (std::size_t j = 0; j < rows.size(); ++j)
            for (std::size_t p = 0; p < n_pieces; ++p)
              std::memcpy(expected.data() + (j * n_pieces + p) * stride, base.data() + rows[j] * row_bytes + p * piece,
                          piece);
          gather_pieces(base.data(), static_cast<std::ptrdiff_t>(row_bytes), row_bytes, rows, n_pieces, found.data(),
                        stride);
          REQUIRE(found == expected);
        }
      }
}

TEST_CASE("gather: every length at every misalignment") {
  for (std::size_t length = 0; length < kLengths; ++length) {
    const std::vector<std::byte> content = noise(3 * length);
    std::vector<std::byte> expected(content.begin() + static_cast<std::ptrdiff_t>(2 * length), content.end());
    expected.insert(expected.end(), content.begin(), content.begin() + static_cast<std::ptrdiff_t>(length));
    for (std::size_t offset = 0; offset < kOffsets; ++offset) {
      Arena src(offset, content), dst(offset + length, 2 * length);
      const std::uint64_t rows[] = {2, 0};
      gather(src.data(), static_cast<std::ptrdiff_t>(length), length, rows, dst.data());
      REQUIRE(dst.holds(expected));
    }
  }
}

TEST_CASE("byte_swap: every target reverses every unit, in place too") {
  testing::on_all_targets([] {
    for (const std::size_t unit : {1U, 2U, 4U, 8U, 16U}) {
      for (std::size_t n = 0; n < kLengths; ++n) {
        const std::vector<std::byte> content = noise(n * unit);
        std::vector<std::byte> expected(content.size());
        for (std::size_t i = 0; i < content.size(); ++i) expected[i] = content[i / unit * unit + (unit - 1 - i % unit)];
        for (std::size_t offset = n % 3; offset < kOffsets; offset += 3) {
          Arena src(offset, content), dst(offset + n, content.size());
          byte_swap(src.data(), dst.data(), n, unit);
          REQUIRE(dst.holds(expected));
          byte_swap(src.data(), src.data(), n, unit);
          REQUIRE(src.holds(expected));
        }
      }
    }
  });
}

}  // namespace
TEST_CASE("mirror: every length at every misalignment, on every target") {
  testing::on_all_targets([] {
    for (std::size_t pixel = 1; pixel <= 16; ++pixel) {
      for (std::size_t n = 0; n < 70; ++n) {
        const std::vector<std::byte> content = testing::noise(n * pixel, n + 1);
        std::vector<std::byte> expected;
        for (std::size_t i = n; i-- > 0;) {
          const auto at = content.begin() + static_cast<std::ptrdiff_t>(i * pixel);
          expected.insert(expected.end(), at, at + static_cast<std::ptrdiff_t>(pixel));
        }
        testing::Arena src(n, content);
        testing::Arena dst(n * 7 + pixel, content.size());
        mirror(reinterpret_cast<const std::uint8_t*>(src.data()), reinterpret_cast<std::uint8_t*>(dst.data()),
               content.size(), pixel);
        CAPTURE(pixel);
        CAPTURE(n);
        CHECK(dst.holds(expected));
      }
    }
  });
}

}  // namespace fastbatch::kernels
