// SPDX-License-Identifier: MIT
// The entropy decoder of sequential JPEG: libjpeg's coefficients for the whole image and for every region, and a
// refusal wherever libjpeg would warn.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "codecs/jpeg/block_decoder.h"
#include "codecs/jpeg/sequential.h"
#include "jpeg_coefficients.h"
#include "jpeg_writer.h"

namespace fastbatch::jpeg {
namespace {

using test::Coefficients;
using test::JpegKind;
using test::test_pixels;
using test::write_jpeg;
using Bytes = std::vector<std::byte>;

Bytes make(unsigned width, unsigned height, const JpegKind& kind = {}) {
  return write_jpeg(test_pixels(width, height, kind.components), width, height, kind);
}

unsigned last_nonzero(const std::int16_t* block) {
  unsigned k = 63;
  while (k > 0 && block[kNatural[k]] == 0) --k;
  return k;
}

bool equal(const Headers& headers, const SequentialDecoder& decoder, const McuRegion& region, std::uint32_t row,
           const Coefficients& expected, const ComponentFlags& dc_only) {
  for (unsigned c = 0; c < headers.frame().n_components; ++c) {
    const Component& component = headers.frame().components[c];
    const BlockRows rows = decoder.rows(c);
    if (reinterpret_cast<std::uintptr_t>(rows.coefficients) % 64 != 0) return false;
    for (unsigned v = 0; v < component.v; ++v) {
      const std::size_t y = std::size_t{row} * component.v + v;
      if (y >= component.height_in_blocks) continue;
      for (std::size_t x = std::size_t{region.left} * component.h;
           x < std::min<std::size_t>(region.right * component.h, component.width_in_blocks); ++x) {
        const std::size_t at = v * rows.stride + x - region.left * component.h;
        const std::int16_t* found = rows.coefficients + at * kBlock;
        const std::int16_t* wanted = expected.blocks[c].data() + (y * component.width_in_blocks + x) * kBlock;
        if (dc_only[c]) {
          if (found[0] != wanted[0] || rows.last[at] != 0) return false;
          continue;
        }
        if (std::memcmp(found, wanted, kBlock * sizeof(std::int16_t)) != 0) return false;
        if (rows.last[at] < last_nonzero(wanted) || rows.last[at] > 63) return false;
      }
    }
  }
  return true;
}

// Decodes a region; false: given up, or other coefficients.
bool decodes(const Bytes& file, HuffmanCache& cache, const McuRegion& region, const Coefficients& expected,
             const ComponentFlags& dc_only = {}) {
  static SequentialDecoder decoder;
  Headers headers;
  if (!headers.open(file) || !decoder.start(headers, cache, region, dc_only)) return false;
  for (std::uint32_t row = region.top; row < region.bottom; ++row) {
    if (!decoder.next_row() || !equal(headers, decoder, region, row, expected, dc_only)) return false;
  }
  if (!decoder.finish()) return false;
  return region.bottom < headers.frame().mcu_rows || (headers.next_scan(decoder.marker()) && headers.is_end());
}

McuRegion whole(const Bytes& file) {
  Headers headers;
  REQUIRE(headers.open(file));
  return {0, headers.frame().mcus_per_row, 0, headers.frame().mcu_rows};
}

bool decodes_whole(const Bytes& file) {
  HuffmanCache cache;
  return decodes(file, cache, whole(file), test::read_coefficients(file));
}

TEST_CASE("every size, sampling and restart interval gives libjpeg's coefficients") {
  HuffmanCache cache;
  const int factors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {1, 4}, {4, 2}};
  for (const auto& factor : factors) {
    for (const unsigned size : {1U, 7U, 8U, 9U, 16U, 17U, 31U, 33U, 65U}) {
      for (const unsigned other : {1U, 8U, 17U, 40U}) {
        for (const unsigned interval : {0U, 1U, 3U, 7U}) {
          JpegKind kind;
          kind.h_samp = factor[0];
          kind.v_samp = factor[1];
          kind.restart_interval = interval;
          kind.optimized = interval == 3;
          CAPTURE(size);
          CAPTURE(other);
          CAPTURE(interval);
          const Bytes file = make(size, other, kind);
          CHECK(decodes(file, cache, whole(file), test::read_coefficients(file)));
          const Bytes turned = make(other, size, kind);
          CHECK(decodes(turned, cache, whole(turned), test::read_coefficients(turned)));
        }
      }
    }
  }
}

TEST_CASE("every quality gives libjpeg's coefficients") {
  for (int quality = 1; quality <= 100; ++quality) {
    for (const int components : {1, 3, 4}) {
      JpegKind kind;
      kind.components = components;
      kind.stored = components == 4 ? JCS_YCCK : JCS_YCbCr;
      kind.quality = quality;
      kind.optimized = quality % 2 == 0;
      CAPTURE(quality);
      CHECK(decodes_whole(make(50, 40, kind)));
    }
  }
}

TEST_CASE("noise, whose blocks are full and whose codes are long") {
  std::vector<std::uint8_t> noise(std::size_t{64} * 64 * 3);
  std::uint32_t state = 1;
  for (auto& value : noise) value = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
  for (const int quality : {20, 60, 85, 100}) {
    for (const bool optimized : {false, true}) {
      JpegKind kind;
      kind.quality = quality;
      kind.optimized = optimized;
      kind.h_samp = kind.v_samp = 1;
      CHECK(decodes_whole(write_jpeg(noise, 64, 64, kind)));
      kind.configure = [](jpeg_compress_struct& info) {
        unsigned table[64];
        for (unsigned k = 0; k < 64; ++k) table[k] = 1 + k % 5 * 7;
        jpeg_add_quant_table(&info, 0, table, 100, TRUE);
      };
      CHECK(decodes_whole(write_jpeg(noise, 64, 64, kind)));
    }
  }
}

TEST_CASE("every region gives the coefficients of the whole image") {
  HuffmanCache cache;
  for (const unsigned interval : {0U, 1U, 2U, 5U, 12U, 100U}) {
    for (const int v_samp : {1, 2}) {
      JpegKind kind;
      kind.restart_interval = interval;
      kind.v_samp = v_samp;
      const Bytes file = make(70, 75, kind);
      const auto expected = test::read_coefficients(file);
      const McuRegion all = whole(file);
      for (std::uint32_t left = 0; left < all.right; ++left) {
        for (std::uint32_t right = left + 1; right <= all.right; ++right) {
          for (std::uint32_t top = 0; top < all.bottom; ++top) {
            for (std::uint32_t bottom = top + 1; bottom <= all.bottom; ++bottom) {
              CHECK(decodes(file, cache, {left, right, top, bottom}, expected));
            }
          }
        }
      }
      CHECK(decodes(file, cache, all, expected, {true, false, false, false}));
      CHECK(decodes(file, cache, {1, 3, 1, 2}, expected, {true, true, true, false}));
    }
  }
}

TEST_CASE("a large image is read in chunks") {
  for (const unsigned interval : {0U, 500U}) {
    JpegKind kind;
    kind.restart_interval = interval;
    kind.quality = 98;
    const Bytes file = make(600, 500, kind);
    HuffmanCache cache;
    const auto expected = test::read_coefficients(file);
    CHECK(file.size() > 100'000);
    CHECK(decodes(file, cache, whole(file), expected));
    CHECK(decodes(file, cache, {3, 9, 11, 20}, expected));
  }
}

TEST_CASE("a file that ends early is given up wherever it ends") {
  for (const unsigned interval : {0U, 2U}) {
    JpegKind kind;
    kind.restart_interval = interval;
    const Bytes file = make(50, 37, kind);
    const auto expected = test::read_coefficients(file);
    const McuRegion all = whole(file);
    HuffmanCache cache;
    for (std::size_t size = 0; size < file.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(decodes(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)), cache, all, expected));
    }
    CHECK(decodes(file, cache, all, expected));
  }
}

std::size_t find(const Bytes& file, unsigned marker) {
  for (std::size_t i = 0; i + 1 < file.size(); ++i) {
    if (file[i] == std::byte{0xFF} && file[i + 1] == std::byte(marker)) return i;
  }
  FAIL("the test's file lacks marker " << marker);
  return 0;
}

TEST_CASE("markers that are wrong, missing or too early are given up") {
  JpegKind kind;
  kind.restart_interval = 2;
  const Bytes file = make(50, 37, kind);
  const auto expected = test::read_coefficients(file);
  const McuRegion all = whole(file);
  HuffmanCache cache;
  const auto damaged = [&](unsigned marker, unsigned by) {
    Bytes copy = file;
    copy[find(copy, marker) + 1] = std::byte(by);
    return decodes(copy, cache, all, expected);
  };
  CHECK_FALSE(damaged(0xD1, 0xD2));
  CHECK_FALSE(damaged(0xD1, 0xD9));
  CHECK_FALSE(damaged(0xD1, 0xDC));
  CHECK_FALSE(damaged(0xD1, 0x01));
  CHECK_FALSE(damaged(0xD1, 0xFF));
  CHECK_FALSE(damaged(0xD9, 0xD8));
  CHECK_FALSE(damaged(0xD9, 0xDC));
  CHECK_FALSE(damaged(0xC0, 0xC3));
  CHECK_FALSE(damaged(0xC0, 0xC9));
  CHECK_FALSE(damaged(0xC0, 0xC2));
  CHECK_FALSE(damaged(0xE0, 0x01));
  CHECK_FALSE(damaged(0xC4, 0xEF));
  CHECK_FALSE(damaged(0xDB, 0xEF));
}

TEST_CASE("codes that are none, and too many coefficients, are given up") {
  // One code of 1 bit: a zero run of 15 and a value of 1 bit. All other bits are no code.
  std::vector<std::uint8_t> bytes(17);
  bytes[0] = 1;
  bytes[16] = 0xF1;
  AcTable table;
  REQUIRE(table.build(bytes));
  table.build_pairs();
  std::vector<std::uint8_t> both(17);  // a DC table of one code before it
  both[0] = 1;
  both.insert(both.end(), bytes.begin(), bytes.end());
  SkipTable skips;
  REQUIRE(skips.build(both));
  const auto run = [&](std::uint8_t first) {
    std::vector<std::uint8_t> data(64, first);
    alignas(64) std::int16_t blocks[128] = {};
    Bits bits{data.data(), 0, 0};
    const int last = decode_ac(bits, table, blocks);
    bits = {data.data(), 0, 0};
    bits.refill();
    CHECK(skip_ac(bits, table, skips, 0) == (last != kBadBlock));
    return last;
  };
  CHECK(run(0x00) == kBadBlock);  // four times 16 coefficients
  CHECK(run(0xFF) == kBadBlock);
  const std::vector<std::uint8_t> full = [] {
    std::vector<std::uint8_t> two(16);
    two[0] = 1;
    two[1] = 2;
    two.insert(two.end(), {0, 1, 2});
    return two;
  }();
  CHECK_FALSE(table.build(full));  // all ones is a code
}

}  // namespace
}  // namespace fastbatch::jpeg
