// SPDX-License-Identifier: MIT
// Damaged JPEG files: our own decoder, with libjpeg-turbo behind it, accepts, refuses, words and paints what
// libjpeg-turbo alone does.
#include <doctest/doctest.h>

#include <string>
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

// The error of reading all of a file without making pixels.
std::string error_of_check(ImageReader& reader, const Bytes& file) {
  try {
    reader.read_header(file, kMaxPixels);
    reader.check(ColorMode::kRgb);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return {};
}

void check_equal(JpegReader& own, TurboReader& turbo, const Bytes& file) {
  CHECK(error_of_check(own, file) == outcome_of(turbo, file, ColorMode::kRgb, {}).error);
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

// Sampling factors of 1, 2 or 4 for every component, of which an MCU can be made.
void draw_factors(jpeg_compress_struct& info, std::uint32_t seed) {
  for (int blocks = 11; blocks > 10;) {
    blocks = 0;
    for (int c = 0; c < info.num_components; ++c) {
      seed = seed * 1664525U + 1013904223U;
      info.comp_info[c].h_samp_factor = 1 << (seed >> 20U) % 3;
      info.comp_info[c].v_samp_factor = 1 << (seed >> 26U) % 3;
      blocks += info.comp_info[c].h_samp_factor * info.comp_info[c].v_samp_factor;
    }
  }
}

TEST_CASE("any sampling, size, quality, coding, window, scale and mode") {
  JpegReader own;
  TurboReader turbo;
  std::uint32_t noise = 3;
  const auto below = [&](std::uint32_t limit) {
    noise = noise * 1664525U + 1013904223U;
    return (noise >> 8U) % limit;
  };
  constexpr ColorMode kModes[] = {ColorMode::kRgb, ColorMode::kRgba, ColorMode::kGray, ColorMode::kGray16};
  constexpr int kFactors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}, {1, 4}};
  std::size_t n_own = 0;
  constexpr int kRuns = 3000;
  for (int run = 0; run < kRuns; ++run) {
    JpegKind kind;
    kind.components = below(5) == 0 ? 1 : below(8) == 0 ? 4 : 3;
    const auto& factors = kFactors[below(kind.components == 4 ? 3 : 7)];  // an MCU has at most 10 blocks
    kind.h_samp = factors[0];
    kind.v_samp = factors[1];
    kind.stored = kind.components == 4 ? (below(2) == 0 ? JCS_CMYK : JCS_YCCK) : below(9) == 0 ? JCS_RGB : JCS_YCbCr;
    kind.progressive = below(3) == 0;
    kind.restart_interval = below(3) == 0 ? 1 + below(9) : 0;
    kind.quality = static_cast<int>(1 + below(100));
    kind.optimized = below(2) == 0;
    const std::uint32_t seed = below(4) == 0 ? 1 + below(1U << 20U) : 0;
    if (seed != 0 && kind.components != 1) kind.configure = [&](auto& info) { draw_factors(info, seed); };
    const Bytes file = make(1 + below(65), 1 + below(65), kind);
    const ImagePart part{{below(66), below(66), below(66), below(66)}, 1U << below(4)};
    const ColorMode mode = kModes[below(4)];
    CAPTURE(run);
    CAPTURE(kind.h_samp);
    CAPTURE(kind.v_samp);
    CAPTURE(seed);
    CAPTURE(part.denominator);
    const Outcome expected = outcome_of(turbo, file, mode, part);
    CHECK(expected.error.empty());
    CHECK(outcome_of(own, file, mode, part, 1 + below(20)) == expected);
    n_own += own.used_library() ? 0 : 1;
  }
  CHECK(n_own > kRuns * 8 / 10);
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
