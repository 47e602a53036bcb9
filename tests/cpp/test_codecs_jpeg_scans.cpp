// SPDX-License-Identifier: MIT
// The entropy decoder of JPEGs of several scans: libjpeg's coefficients for every script, and a refusal wherever
// libjpeg would warn or smooth.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "codecs/jpeg/scans.h"
#include "jpeg_coefficients.h"
#include "jpeg_writer.h"

namespace fastbatch::jpeg {
namespace {

using test::Coefficients;
using test::JpegKind;
using test::test_pixels;
using Bytes = std::vector<std::byte>;
using Script = std::vector<jpeg_scan_info>;

Bytes write(unsigned width, unsigned height, JpegKind kind, const Script& script) {
  kind.configure = [&](jpeg_compress_struct& info) {
    info.scan_info = script.data();
    info.num_scans = static_cast<int>(script.size());
  };
  return test::write_jpeg(test_pixels(width, height, kind.components), width, height, kind);
}

jpeg_scan_info scan(const std::vector<int>& components, int first, int last, int high, int low) {
  jpeg_scan_info info{static_cast<int>(components.size()), {}, first, last, high, low};
  std::copy(components.begin(), components.end(), info.component_index);
  return info;
}

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed * 2654435761U + 1) {}
  int below(int limit) {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<int>((state_ >> 8U) % static_cast<unsigned>(limit));
  }

 private:
  std::uint32_t state_;
};

// Bands, then bit by bit; components alone or together.
Script random_script(int components, Random& random) {
  Script script;
  std::vector<int> all;
  for (int c = 0; c < components; ++c) all.push_back(c);
  const int dc_low = random.below(4);
  const bool together = random.below(3) > 0;
  const auto add_dc = [&](int high, int low) {
    if (together) {
      script.push_back(scan(all, 0, 0, high, low));
    } else {
      for (int c = 0; c < components; ++c) script.push_back(scan({c}, 0, 0, high, low));
    }
  };
  add_dc(0, dc_low);
  for (int low = dc_low; low > 0; --low) add_dc(low, low - 1);
  for (int c = 0; c < components; ++c) {
    for (int first = 1; first < 64;) {
      const int last = random.below(3) == 0 ? 63 : std::min(63, first + random.below(12));
      const int low = random.below(4);
      script.push_back(scan({c}, first, last, 0, low));
      for (int bit = low; bit > 0; --bit) script.push_back(scan({c}, first, last, bit, bit - 1));
      first = last + 1;
    }
  }
  return script;
}

bool equals(const Headers& headers, const ScansDecoder& decoder, const Coefficients& expected) {
  for (unsigned c = 0; c < headers.frame().n_components; ++c) {
    const Component& component = headers.frame().components[c];
    for (std::size_t y = 0; y < component.height_in_blocks; ++y) {
      const BlockRows rows = decoder.rows(c, y / component.v);
      if (reinterpret_cast<std::uintptr_t>(rows.coefficients) % 64 != 0) return false;
      for (std::size_t x = 0; x < component.width_in_blocks; ++x) {
        const std::size_t found = y % component.v * rows.stride + x;
        const std::size_t wanted = y * component.width_in_blocks + x;
        if (std::memcmp(rows.coefficients + found * kBlock, expected.blocks[c].data() + wanted * kBlock, 128) != 0) {
          return false;
        }
        if (rows.last[found] < expected.last[c][wanted] || rows.last[found] > 63) return false;
      }
    }
  }
  return true;
}

McuRegion whole(const Headers& headers) { return {0, headers.frame().mcus_per_row, 0, headers.frame().mcu_rows}; }

bool accepts(const Bytes& file) {
  static HuffmanCache cache;
  static ScansDecoder decoder;
  Headers headers;
  return headers.open(file) && decoder.read(headers, cache, whole(headers), {});
}

bool decodes(const Bytes& file) {
  static HuffmanCache cache;
  static ScansDecoder decoder;
  Headers headers;
  return headers.open(file) && decoder.read(headers, cache, whole(headers), {}) &&
         equals(headers, decoder, test::read_coefficients(file));
}

TEST_CASE("scans: every script gives libjpeg's coefficients") {
  Random random(5);
  constexpr int kFactors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}};
  for (int round = 0; round < 400; ++round) {
    JpegKind kind;
    kind.components = round % 5 == 0 ? 1 : round % 11 == 0 ? 4 : 3;
    if (kind.components == 4) kind.stored = JCS_YCCK;
    kind.h_samp = kFactors[round % 5][0];
    kind.v_samp = kFactors[round % 5][1];
    kind.restart_interval = round % 3 == 0 ? static_cast<unsigned>(1 + random.below(20)) : 0;
    kind.quality = 1 + random.below(100);
    const auto width = static_cast<unsigned>(1 + random.below(90));
    const auto height = static_cast<unsigned>(1 + random.below(90));
    CAPTURE(round);
    CHECK(decodes(write(width, height, kind, random_script(kind.components, random))));
  }
}

TEST_CASE("scans: libjpeg's own script at every quality, large and flat") {
  for (int quality = 1; quality <= 100; ++quality) {
    JpegKind kind;
    kind.progressive = true;
    kind.quality = quality;
    CHECK(decodes(test::write_jpeg(test_pixels(70, 50, 3), 70, 50, kind)));
  }
  JpegKind kind;
  kind.progressive = true;
  CHECK(decodes(test::write_jpeg(test_pixels(1500, 1100, 3), 1500, 1100, kind)));
  // Long runs of blocks without coefficients.
  CHECK(decodes(test::write_jpeg(std::vector<std::uint8_t>(std::size_t{3} * 3000 * 2500, 77), 3000, 2500, kind)));
  std::vector<std::uint8_t> noise(std::size_t{3} * 64 * 64);
  std::uint32_t state = 1;
  for (auto& value : noise) value = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
  for (const int q : {10, 50, 90, 100}) {
    kind.quality = q;
    CHECK(decodes(test::write_jpeg(noise, 64, 64, kind)));
  }
}

TEST_CASE("scans: a file that is not progressive, component by component") {
  for (const unsigned interval : {0U, 1U, 5U}) {
    JpegKind kind;
    kind.restart_interval = interval;
    CHECK(decodes(write(83, 45, kind, {scan({0}, 0, 63, 0, 0), scan({1}, 0, 63, 0, 0), scan({2}, 0, 63, 0, 0)})));
    CHECK(decodes(write(83, 45, kind, {scan({0, 2}, 0, 63, 0, 0), scan({1}, 0, 63, 0, 0)})));
    CHECK(decodes(write(83, 45, kind, {scan({0, 1, 2}, 0, 63, 0, 0)})));
  }
}

// Offsets of the SOS markers, and of the end of the image.
std::vector<std::size_t> scans_of(const Bytes& file) {
  std::vector<std::size_t> offsets;
  for (std::size_t i = 2; i + 1 < file.size(); ++i) {
    const auto marker = std::to_integer<unsigned>(file[i + 1]);
    if (file[i] == std::byte{0xFF} && (marker == 0xDA || marker == 0xD9)) offsets.push_back(i);
  }
  return offsets;
}

TEST_CASE("scans: files cut anywhere, or with a scan less, are refused") {
  JpegKind kind;
  kind.progressive = true;
  const Bytes file = test::write_jpeg(test_pixels(40, 33, 3), 40, 33, kind);
  REQUIRE(accepts(file));
  for (std::size_t size = 0; size < file.size(); ++size) {
    CHECK_FALSE(accepts(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))));
  }
  const std::vector<std::size_t> offsets = scans_of(file);
  REQUIRE(offsets.size() > 8);
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    CAPTURE(i);
    Bytes without = file;  // what lies between is the scan, and tables of the next one
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(offsets[i]),
                  without.begin() + static_cast<std::ptrdiff_t>(offsets[i + 1]));
    CHECK_FALSE(accepts(without));
    Bytes twice = file;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(offsets[i + 1]),
                 file.begin() + static_cast<std::ptrdiff_t>(offsets[i]),
                 file.begin() + static_cast<std::ptrdiff_t>(offsets[i + 1]));
    CHECK_FALSE(accepts(twice));
  }
}

TEST_CASE("scans: parameters of which libjpeg warns, or which it refuses, are refused") {
  JpegKind kind;
  const std::vector<std::vector<int>> planes = {{0}, {1}, {2}};
  Script script = {scan({0, 1, 2}, 0, 0, 0, 1), scan({0, 1, 2}, 0, 0, 1, 0)};
  for (int c = 0; c < 3; ++c) script.push_back(scan({c}, 1, 63, 0, 0));
  const Bytes file = write(40, 33, kind, script);
  REQUIRE(accepts(file));
  for (const std::size_t offset : scans_of(file)) {
    if (file[offset + 1] == std::byte{0xD9}) continue;
    const std::size_t n = std::to_integer<std::size_t>(file[offset + 4]);
    const std::size_t at = offset + 5 + 2 * n;  // Ss, Se, Ah and Al
    for (std::size_t which = 0; which < 3; ++which) {
      for (unsigned value = 0; value < 256; ++value) {
        Bytes changed = file;
        if (changed[at + which] == static_cast<std::byte>(value)) continue;
        changed[at + which] = static_cast<std::byte>(value);
        CHECK_FALSE(accepts(changed));
      }
    }
  }
}

}  // namespace
}  // namespace fastbatch::jpeg
