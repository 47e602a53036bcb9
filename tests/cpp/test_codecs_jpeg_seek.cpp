// SPDX-License-Identifier: MIT
// The seek index of JPEGs: wrong points never give wrong pixels, and right ones give libjpeg-turbo's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "codecs/jpeg/reader.h"
#include "codecs/jpeg/seek_index.h"
#include "codecs/jpeg/turbo_reader.h"
#include "common/digest.h"
#include "jpeg_outcome.h"
#include "jpeg_writer.h"

namespace fastbatch {
namespace {

using jpeg::SeekPoint;
using jpeg::SeekTable;
using test::JpegKind;
using test::Outcome;
using test::outcome_of;
using test::test_pixels;
using test::write_jpeg;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kPlenty = std::size_t{1} << 24U;

Bytes make(unsigned width, unsigned height, const JpegKind& kind = {}) {
  return write_jpeg(test_pixels(width, height, kind.components), width, height, kind);
}

Outcome turbo_outcome(const Bytes& file, const ImagePart& part, ColorMode mode = ColorMode::kRgb) {
  TurboReader turbo;
  return outcome_of(turbo, file, mode, part);
}

// A reader with an index of its own.
struct Indexed {
  std::shared_ptr<JpegSeekIndex> index = std::make_shared<JpegSeekIndex>(kPlenty);
  JpegReader reader;
  Indexed() { reader.use_index(index); }
  bool is_right(const Bytes& file, const ImagePart& part, ColorMode mode = ColorMode::kRgb) {
    return outcome_of(reader, file, mode, part) == turbo_outcome(file, part, mode);
  }
};

// The last rows and columns: its decode comes past all points.
ImagePart corner(unsigned width, unsigned height) { return {{width - 1, height - 1, 1, 1}, 1}; }

std::shared_ptr<const SeekTable> points_of(const Bytes& file, unsigned width, unsigned height) {
  Indexed indexed;
  REQUIRE(indexed.is_right(file, corner(width, height)));
  auto table = indexed.index->find(digest_of(file));
  REQUIRE(table != nullptr);
  return table;
}

std::vector<SeekPoint> listed(const SeekTable& table) {
  std::vector<SeekPoint> points;
  for (std::size_t i = 0; i < table.size(); ++i) points.push_back(table[i]);
  return points;
}

std::shared_ptr<SeekTable> table_of(const std::vector<SeekPoint>& points, unsigned n_components = 3) {
  auto table = std::make_shared<SeekTable>(n_components);
  for (const SeekPoint& point : points) table->add(point);
  return table;
}

const std::vector<Window> kParts = {{40, 40, 60, 60}, {0, 70, 200, 20}, {150, 100, 50, 50},
                                    {90, 0, 8, 150},  {17, 60, 30, 9},  {160, 90, 9, 1}};

// Each part is right, and a table that was used and is wrong is not there afterwards. Returns how often it was noticed.
std::size_t check_with(const Bytes& file, const std::vector<SeekPoint>& points, unsigned n_components = 3) {
  std::size_t n_noticed = 0;
  for (const Window& part : kParts) {
    Indexed indexed;
    indexed.index->add(digest_of(file), table_of(points, n_components));
    CHECK(indexed.is_right(file, {part, 1}));
    if (indexed.reader.used_library()) {
      ++n_noticed;
      CHECK(indexed.index->find(digest_of(file)) == nullptr);
    }
    CHECK(indexed.is_right(file, {part, 1}));
  }
  return n_noticed;
}

TEST_CASE("a point that is wrong gives no wrong pixels") {
  for (const int v_samp : {1, 2}) {
    JpegKind kind;
    kind.v_samp = v_samp;
    const Bytes file = make(200, 150, kind);
    const std::vector<SeekPoint> right = listed(*points_of(file, 200, 150));
    std::size_t n_noticed = 0;
    for (std::size_t i = 0; i < right.size(); i += 3) {
      for (const int by : {-100'000, -8, -1, 1, 7, 8, 5000}) {
        std::vector<SeekPoint> wrong = right;
        wrong[i].bit += static_cast<std::uint64_t>(by);
        CAPTURE(i);
        CAPTURE(by);
        n_noticed += check_with(file, wrong);
      }
      for (std::size_t c = 0; c < 3; ++c) {
        std::vector<SeekPoint> wrong = right;
        wrong[i].dc[c] ^= 1 << (i % 12);
        n_noticed += check_with(file, wrong);
      }
    }
    CHECK(n_noticed > 100);  // the test reaches the check
  }
}

TEST_CASE("tables that are of no use, or of another file, give no wrong pixels") {
  const Bytes file = make(200, 150);
  const std::vector<SeekPoint> right = listed(*points_of(file, 200, 150));
  const Bytes other = write_jpeg(test_pixels(200, 150, 3, 7), 200, 150);
  std::vector<std::vector<SeekPoint>> tables = {
      {}, {right[0]}, {right[0], right[1]}, listed(*points_of(other, 200, 150))};
  tables.emplace_back(right.rbegin(), right.rend());
  tables.emplace_back(right.size(), right[5]);
  tables.emplace_back(right.size() + 1, right[5]);
  tables.emplace_back(right.size(), SeekPoint{});
  tables.emplace_back(right.size(), SeekPoint{.bit = UINT32_MAX, .dc = {}});
  for (const std::size_t n : {1U, 2U, 3U, 9U, 20U, 30U}) {  // where nothing behind it proves a point
    std::vector<SeekPoint>& first = tables.emplace_back(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(n));
    first.back().dc[0] += 9;
  }
  std::uint32_t state = 1;
  for (int n = 0; n < 40; ++n) {
    std::vector<SeekPoint>& noise = tables.emplace_back(right);
    for (SeekPoint& point : noise) {
      state = state * 1664525U + 1013904223U;
      if ((state >> 30U) == 0) point.bit = (state >> 8U) % (8 * file.size());
      if ((state >> 30U) == 1) point.dc[state >> 8U & 1U] += static_cast<int>(state >> 9U & 255U);
    }
  }
  for (const auto& table : tables) check_with(file, table);
  check_with(file, right, 1);
  check_with(file, right, 4);
}

TEST_CASE("a file whose bytes changed is another file") {
  Bytes file = make(200, 150);
  Indexed indexed;
  CHECK(indexed.is_right(file, corner(200, 150)));
  CHECK(indexed.is_right(file, {kParts[0], 1}));
  CHECK(indexed.index->n_uses() == 1);
  const Bytes other = write_jpeg(test_pixels(200, 150, 3, 7), 200, 150);
  file.assign(other.begin(), other.end());
  CHECK(indexed.is_right(file, {kParts[0], 1}));
  CHECK(indexed.index->n_uses() == 1);
  for (std::size_t i = file.size() / 2; i < file.size(); i += 97) {  // damaged in place, and repaired
    file[i] ^= std::byte{0x10};
    CHECK(indexed.is_right(file, {kParts[0], 1}));
    file[i] ^= std::byte{0x10};
    CHECK(indexed.is_right(file, {kParts[0], 1}));
  }
}

TEST_CASE("a digest depends on every bit, and on the length") {
  std::vector<std::byte> bytes(200);
  std::vector<Digest> digests;
  for (std::size_t n = 0; n <= bytes.size(); ++n) digests.push_back(digest_of(std::span(bytes).first(n)));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    digests.push_back(digest_of(bytes));
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  CHECK(digest_of(bytes) == digests[200]);
  std::ranges::sort(digests);
  CHECK(std::ranges::adjacent_find(digests) == digests.end());
}

TEST_CASE("any parts, one after another, are those of libjpeg-turbo") {
  const int factors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}};
  std::uint32_t state = 1;
  const auto below = [&](std::uint32_t n) { return (state = state * 1664525U + 1013904223U) % 1009U * n / 1009U; };
  for (const int components : {1, 3, 4}) {
    for (const auto& factor : factors) {
      for (const unsigned width : {9U, 63U, 130U, 300U}) {
        JpegKind kind;
        kind.components = components;
        kind.stored = components == 4 ? JCS_YCCK : JCS_YCbCr;
        kind.h_samp = factor[0];
        kind.v_samp = factor[1];
        kind.quality = width == 130 ? 100 : 85;
        const unsigned height = 40 + width / 2;
        const Bytes file = make(width, height, kind);
        Indexed indexed;
        for (int n = 0; n < 25; ++n) {
          const unsigned x = below(width), y = below(height);
          const ImagePart part{{x, y, 1 + below(width - x), 1 + below(height - y)}, 1U << below(4)};
          CAPTURE(components);
          CAPTURE(width);
          CAPTURE(n);
          CHECK(indexed.is_right(file, part, n % 3 == 0 ? ColorMode::kGray : ColorMode::kRgb));
          if (components != 4) CHECK_FALSE(indexed.reader.used_library());
        }
        if (components != 4) CHECK(indexed.index->n_uses() > 0);
      }
    }
  }
}

TEST_CASE("parts below the points that are known are found, and noted") {
  const Bytes file = make(300, 400);
  Indexed indexed;
  std::size_t before = 0;
  for (std::size_t y = 0; y + 20 <= 400; y += 20) {
    CHECK(indexed.is_right(file, {{120, y, 70, 20}, 1}));
    const auto table = indexed.index->find(digest_of(file));
    REQUIRE(table != nullptr);
    CHECK(table->size() > before);
    before = table->size();
  }
  CHECK(indexed.index->n_uses() == 19);
}

TEST_CASE("files that end anywhere are what they are to libjpeg-turbo") {
  const Bytes file = make(120, 90);
  Indexed indexed;
  for (std::size_t size = 600; size < file.size(); size += 13) {
    const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    for (int round = 0; round < 2; ++round) {
      for (const Window& part : {Window{30, 30, 40, 20}, Window{0, 40, 120, 10}, Window{64, 10, 8, 8}}) {
        CHECK(indexed.is_right(cut, {part, 1}));
      }
    }
  }
}

TEST_CASE("whole images, several scans and restart markers need no points") {
  JpegKind progressive, restarts;
  progressive.progressive = true;
  restarts.restart_interval = 5;
  Indexed indexed;
  for (int round = 0; round < 2; ++round) {
    CHECK(indexed.is_right(make(200, 150), {}));
    CHECK(indexed.is_right(make(200, 150), {{0, 0, 200, 70}, 1}));
    for (const JpegKind& kind : {progressive, restarts}) {
      CHECK(indexed.is_right(make(200, 150, kind), {kParts[0], 1}));
      CHECK(indexed.is_right(make(200, 150, kind), corner(200, 150)));
    }
  }
  CHECK(indexed.index->memory_bytes() == 0);
  CHECK(indexed.index->n_uses() == 0);
}

TEST_CASE("memory stays within its bounds, and what came first stays") {
  std::vector<Bytes> files;
  for (unsigned seed = 0; seed < 40; ++seed) files.push_back(write_jpeg(test_pixels(200, 150, 3, seed), 200, 150));
  Indexed indexed;
  indexed.index = std::make_shared<JpegSeekIndex>(10'000);
  indexed.reader.use_index(indexed.index);
  CHECK(indexed.index->has_room());
  for (const ImagePart& part : {ImagePart{kParts[0], 1}, corner(200, 150), ImagePart{kParts[1], 1}}) {
    for (const Bytes& file : files) {
      CHECK(indexed.is_right(file, part));
      CHECK(indexed.index->memory_bytes() <= 10'000);
    }
  }
  CHECK_FALSE(indexed.index->has_room());
  CHECK(indexed.index->memory_bytes() > 5000);
  CHECK(indexed.index->find(digest_of(files[0])) != nullptr);
  CHECK(indexed.index->find(digest_of(files[39])) == nullptr);
  const std::uint64_t n_known = indexed.index->n_uses() / 2;
  CHECK(n_known >= 2);
  for (std::size_t i = 0; i < n_known; ++i) CHECK(indexed.index->find(digest_of(files[i])) != nullptr);
  Indexed none;
  none.index = std::make_shared<JpegSeekIndex>(1);
  none.reader.use_index(none.index);
  for (int round = 0; round < 2; ++round) CHECK(none.is_right(files[0], {kParts[0], 1}));
  CHECK(none.index->n_uses() == 0);
}

}  // namespace
}  // namespace fastbatch
