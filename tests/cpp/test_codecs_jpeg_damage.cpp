// SPDX-License-Identifier: MIT
// Damaged JPEG files: our own decoder, with libjpeg-turbo behind it, accepts, refuses, words and paints what
// libjpeg-turbo alone does.
#include <doctest/doctest.h>

#include <vector>

#include "jpeg_outcome.h"
#include "jpeg_writer.h"

namespace fastbatch {
namespace {

using test::JpegKind;
using test::Outcome;
using test::outcome_of;
using test::test_pixels;
using test::write_jpeg;
using Bytes = std::vector<std::byte>;

Bytes make(unsigned width, unsigned height, const JpegKind& kind = {}) {
  return write_jpeg(test_pixels(width, height, kind.components), width, height, kind);
}

// One component at a time, not progressive.
void in_three_scans(jpeg_compress_struct& info) {
  static constexpr jpeg_scan_info kScans[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  info.scan_info = kScans;
  info.num_scans = 3;
}

std::vector<JpegKind> kinds() {
  std::vector<JpegKind> kinds(10);
  kinds[1].restart_interval = 2;
  kinds[2].h_samp = kinds[2].v_samp = 1;
  kinds[2].optimized = true;
  kinds[3].components = 1;
  kinds[4].progressive = true;
  kinds[5].progressive = true;
  kinds[5].restart_interval = 3;
  kinds[6].h_samp = 1;
  kinds[7].components = 4;
  kinds[7].stored = JCS_YCCK;
  kinds[8].progressive = true;
  kinds[8].components = 1;
  kinds[9].configure = in_three_scans;
  return kinds;
}

const std::vector<ImagePart>& parts() {
  static const std::vector<ImagePart> all = {
      {{}, 1},
      {{0, 0, 20, 15}, 1},  // libjpeg reads the second row of MCUs for the last but one of these rows
      {{9, 17, 20, 9}, 1},
      {{3, 20, 30, 16}, 2},
      {{}, 4},
      {{}, 8},
      {{20, 0, 10, 31}, 1},
  };
  return all;
}

void check_equal(JpegReader& own, TurboReader& turbo, const Bytes& file) {
  for (const ImagePart& part : parts()) {
    const Outcome expected = outcome_of(turbo, file, ColorMode::kRgb, part);
    const Outcome found = outcome_of(own, file, ColorMode::kRgb, part);
    CAPTURE(part.window.y);
    CAPTURE(part.denominator);
    CHECK(found.error == expected.error);
    CHECK(found.pixels == expected.pixels);
    CHECK(found.mode == expected.mode);
  }
}

TEST_CASE("a file cut at any byte") {
  JpegReader own;
  TurboReader turbo;
  for (const JpegKind& kind : kinds()) {
    const Bytes file = make(37, 35, kind);
    for (std::size_t size = 0; size <= file.size(); ++size) {
      CAPTURE(size);
      Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      if (size < 3) continue;  // named by JpegReader
      check_equal(own, turbo, cut);
      if (size % 7 != 0) continue;
      cut.insert(cut.end(), {std::byte{0xFF}, std::byte{0xD9}});
      check_equal(own, turbo, cut);
    }
  }
}

TEST_CASE("a file with any byte changed, lost or twice") {
  JpegReader own;
  TurboReader turbo;
  std::uint32_t noise = 7;
  for (const JpegKind& kind : kinds()) {
    const Bytes file = make(37, 35, kind);
    for (std::size_t at = 3; at < file.size(); ++at) {
      CAPTURE(at);
      Bytes damaged = file;
      noise = noise * 1664525U + 1013904223U;
      const unsigned choice = noise >> 24U;
      if (choice < 60) {
        damaged[at] = std::byte{0xFF};
      } else if (choice < 100) {
        damaged[at] ^= std::byte(1U << (choice % 8));
      } else if (choice < 140) {
        damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(at));
      } else if (choice < 180) {
        damaged.insert(damaged.begin() + static_cast<std::ptrdiff_t>(at), damaged[at]);
      } else {
        damaged[at] = std::byte(choice);
      }
      check_equal(own, turbo, damaged);
    }
  }
}

TEST_CASE("intact files are decoded by our own decoder") {
  JpegReader own;
  TurboReader turbo;
  for (const JpegKind& kind : kinds()) {
    const Bytes file = make(37, 35, kind);
    check_equal(own, turbo, file);
    CHECK_FALSE(own.used_library());
  }
  JpegKind arithmetic;
  arithmetic.arithmetic = true;
  check_equal(own, turbo, make(37, 35, arithmetic));
  CHECK(own.used_library());
}

}  // namespace
}  // namespace fastbatch
