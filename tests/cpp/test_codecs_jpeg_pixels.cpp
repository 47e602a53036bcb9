// SPDX-License-Identifier: MIT
// Rows of pixels from coefficients, against libjpeg's pixels of the same file: samplings, sizes, scales, windows.
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "codecs/color.h"
#include "codecs/jpeg/pixel_rows.h"
#include "jpeg_coefficients.h"
#include "kernels_on_all_targets.h"

namespace fastbatch {
namespace {

using kernels::testing::on_all_targets;
using test::Coefficients;
using test::JpegKind;
using test::test_pixels;
using Bytes = std::vector<std::byte>;
using Pixels = std::vector<std::uint8_t>;

constexpr unsigned kDenominators[] = {1, 2, 4, 8};

std::size_t below(std::uint32_t& noise, std::size_t limit) {
  noise = noise * 1664525U + 1013904223U;
  return (noise >> 8U) % limit;
}

struct Decoded {
  bool accepted = false;
  Pixels pixels{};
};

// Gives the blocks of the window only, and reads `portion` rows at a time.
Decoded decode(JpegPixelRows& rows, const Coefficients& file, unsigned denominator, const Window& window,
               ColorMode mode, std::size_t portion = 3) {
  if (!rows.start(file.frame, denominator, window, mode)) return {};
  const std::size_t stride = window.width * pixel_bytes_of(mode);
  Decoded decoded{true, Pixels(stride * window.height)};
  std::size_t y = 0;
  for (std::size_t m = rows.first_mcu_row(); m < rows.end_mcu_row(); ++m) {
    std::vector<Bytes> given;  // exactly the blocks that are needed: AddressSanitizer sees any other read
    std::vector<JpegBlockRow> block_rows;
    for (std::size_t c = 0; c < file.frame.components.size(); ++c) {
      const auto [first, end] = rows.columns(c);
      const std::size_t width = file.frame.width_in_blocks(c);
      REQUIRE(first < end);
      REQUIRE(end <= width);
      for (std::size_t k = 0; k < file.frame.components[c].v; ++k) {
        const std::size_t y_blocks = m * file.frame.components[c].v + k;
        if (y_blocks >= file.frame.height_in_blocks(c)) {
          block_rows.push_back({});
          continue;
        }
        const std::size_t begin = y_blocks * width + first;
        const auto* blocks = reinterpret_cast<const std::byte*>(file.blocks[c].data() + 64 * begin);
        const auto* last = reinterpret_cast<const std::byte*>(file.last[c].data() + begin);
        given.emplace_back(blocks, blocks + 128 * (end - first));
        given.emplace_back(last, last + (end - first));
        block_rows.push_back({reinterpret_cast<const std::int16_t*>(given[given.size() - 2].data()),
                              reinterpret_cast<const std::uint8_t*>(given.back().data())});
      }
    }
    if (!rows.push(block_rows)) return {};
    while (rows.ready() > 0) {
      REQUIRE(y + std::min(portion, rows.ready()) <= window.height);
      y += rows.read(decoded.pixels.data() + y * stride, portion);
    }
  }
  CHECK(y == window.height);
  CHECK(rows.read(nullptr, 1) == 0);
  return decoded;
}

Pixels cut(const Pixels& whole, std::size_t whole_width, const Window& window, std::size_t bytes) {
  Pixels part;
  for (std::size_t y = window.y; y < window.y + window.height; ++y) {
    const std::uint8_t* const row = whole.data() + (y * whole_width + window.x) * bytes;
    part.insert(part.end(), row, row + window.width * bytes);
  }
  return part;
}

ImageSize scaled(unsigned width, unsigned height, unsigned denominator) {
  return {(width + denominator - 1) / denominator, (height + denominator - 1) / denominator};
}

// The whole image, and windows of all kinds.
std::vector<Window> windows_of(ImageSize size, std::uint32_t& noise, int n) {
  std::vector<Window> windows = {{0, 0, size.width, size.height}};
  for (int i = 0; i < n; ++i) {
    const std::size_t x = below(noise, size.width);
    const std::size_t y = below(noise, size.height);
    windows.push_back({x, y, 1 + below(noise, size.width - x), 1 + below(noise, size.height - y)});
  }
  windows.push_back({size.width - 1U, size.height - 1U, 1, 1});
  windows.push_back({0, size.height / 2, size.width, size.height - size.height / 2});
  return windows;
}

void compare(const Bytes& file, unsigned width, unsigned height, std::uint32_t seed, int n_windows) {
  JpegPixelRows rows;
  const Coefficients coefficients = test::read_coefficients(file);
  for (const unsigned denominator : kDenominators) {
    const ImageSize size = scaled(width, height, denominator);
    const Pixels whole = test::read_jpeg(file, JCS_RGB, denominator);
    std::uint32_t noise = seed;
    for (const Window& window : windows_of(size, noise, n_windows)) {
      const Decoded found = decode(rows, coefficients, denominator, window, ColorMode::kRgb, 1 + noise % 20);
      CAPTURE(width);
      CAPTURE(height);
      CAPTURE(denominator);
      CAPTURE(window.x);
      CAPTURE(window.y);
      CAPTURE(window.width);
      CAPTURE(window.height);
      CHECK(found.accepted);
      CHECK(found.pixels == cut(whole, size.width, window, 3));
    }
  }
}

struct Sampling {
  int h, v, chroma_h, chroma_v;
};
constexpr Sampling kSamplings[] = {{1, 1, 1, 1}, {2, 1, 1, 1}, {2, 2, 1, 1}, {1, 2, 1, 1}, {4, 1, 1, 1}, {4, 2, 1, 1},
                                   {1, 4, 1, 1}, {2, 4, 1, 1}, {2, 2, 2, 1}, {2, 2, 1, 2}, {4, 1, 2, 1}, {1, 4, 1, 2},
                                   {1, 1, 2, 1}, {1, 1, 1, 2}, {1, 1, 2, 2}, {2, 1, 1, 2}, {1, 2, 2, 1}, {3, 1, 1, 1},
                                   {1, 3, 1, 1}, {3, 2, 1, 2}, {2, 3, 2, 1}, {1, 1, 4, 1}};

JpegKind kind_of(const Sampling& sampling, int quality = 90) {
  JpegKind kind;
  kind.h_samp = sampling.h;
  kind.v_samp = sampling.v;
  kind.chroma_h = sampling.chroma_h;
  kind.chroma_v = sampling.chroma_v;
  kind.quality = quality;
  return kind;
}

TEST_CASE("pixels of coefficients: every sampling, on all targets") {
  for (const Sampling& sampling : kSamplings) {
    CAPTURE(sampling.h);
    CAPTURE(sampling.v);
    CAPTURE(sampling.chroma_h);
    CAPTURE(sampling.chroma_v);
    for (const auto& [width, height] : {std::pair{161U, 99U}, {40U, 65U}, {3U, 200U}, {301U, 2U}}) {
      const Bytes file = test::write_jpeg(test_pixels(width, height, 3), width, height, kind_of(sampling));
      on_all_targets([&] { compare(file, width, height, width, 25); });
    }
  }
}

TEST_CASE("pixels of coefficients: every size up to 65 by 65") {
  int i = 0;
  for (unsigned width = 1; width <= 65; ++width) {
    for (unsigned height = 1; height <= 65; height += width % 8 == 1 ? 1 : 3) {
      const Sampling& sampling = kSamplings[i++ % 5];
      CAPTURE(sampling.h);
      CAPTURE(sampling.v);
      const Bytes file = test::write_jpeg(test_pixels(width, height, 3), width, height, kind_of(sampling));
      compare(file, width, height, width * height, 3);
    }
  }
}

TEST_CASE("pixels of coefficients: every quality") {
  for (int quality = 1; quality <= 100; ++quality) {
    const Bytes file = test::write_jpeg(test_pixels(50, 43, 3), 50, 43, kind_of(kSamplings[quality % 4], quality));
    CAPTURE(quality);
    on_all_targets([&] { compare(file, 50, 43, static_cast<std::uint32_t>(quality), 2); });
  }
}

Bytes make(int components, J_COLOR_SPACE stored) {
  JpegKind kind;
  kind.components = components;
  kind.stored = stored;
  return test::write_jpeg(test_pixels(97, 61, components), 97, 61, kind);
}

TEST_CASE("pixels of coefficients: every colour space, in every mode") {
  JpegPixelRows rows;
  for (const Bytes& file :
       {make(1, JCS_GRAYSCALE), make(3, JCS_YCbCr), make(3, JCS_RGB), make(4, JCS_CMYK), make(4, JCS_YCCK)}) {
    const Coefficients coefficients = test::read_coefficients(file);
    const std::size_t n_components = coefficients.frame.components.size();
    for (const unsigned denominator : kDenominators) {
      const ImageSize size = scaled(97, 61, denominator);
      const std::size_t n = size.pixels();
      Pixels rgb;
      if (n_components == 4) {
        const Pixels cmyk = test::read_jpeg(file, JCS_CMYK, denominator);
        rgb.resize(3 * n);
        cmyk_to_rgb(cmyk.data(), rgb.data(), n);
      } else {
        rgb = test::read_jpeg(file, JCS_RGB, denominator);
      }
      Pixels rgba(4 * n);
      rgb_to_rgba(rgb.data(), rgba.data(), n);
      Pixels gray(n);
      rgb_to_gray(rgb.data(), 3, gray.data(), n);
      if (n_components == 1) CHECK(gray == test::read_jpeg(file, JCS_GRAYSCALE, denominator));
      Pixels gray16(2 * n);
      widen_gray(gray.data(), gray16.data(), n);
      std::uint32_t noise = denominator;
      for (const Window& window : windows_of(size, noise, 6)) {
        CAPTURE(static_cast<int>(coefficients.frame.colors));
        CAPTURE(denominator);
        on_all_targets([&] {
          const auto pixels = [&](ColorMode mode) {
            return decode(rows, coefficients, denominator, window, mode).pixels;
          };
          CHECK(pixels(ColorMode::kRgb) == cut(rgb, size.width, window, 3));
          CHECK(pixels(ColorMode::kRgba) == cut(rgba, size.width, window, 4));
          CHECK(pixels(ColorMode::kGray) == cut(gray, size.width, window, 1));
          CHECK(pixels(ColorMode::kGray16) == cut(gray16, size.width, window, 2));
        });
      }
    }
  }
}

TEST_CASE("what libjpeg refuses, or computes differently, is not accepted") {
  JpegPixelRows rows;
  const Coefficients good = test::read_coefficients(make(3, JCS_YCbCr));
  const Window window{10, 20, 30, 20};
  CHECK(decode(rows, good, 1, window, ColorMode::kRgb).accepted);

  Coefficients fractional = good;
  fractional.frame.components[0].h = 3;
  fractional.frame.components[1].h = 2;
  CHECK_FALSE(rows.start(fractional.frame, 1, window, ColorMode::kRgb));

  Coefficients coarse = good;
  coarse.frame.components[2].quantizers[63] = 4096;
  CHECK_FALSE(rows.start(coarse.frame, 1, window, ColorMode::kRgb));

  Coefficients large = good;
  large.blocks[1][0] = 2047;
  large.frame.components[1].quantizers[0] = 64;
  CHECK(decode(rows, large, 1, window, ColorMode::kRgb).accepted);  // the block is outside the window
  CHECK_FALSE(decode(rows, large, 1, {0, 0, 1, 1}, ColorMode::kRgb).accepted);

  CHECK(decode(rows, good, 1, window, ColorMode::kRgb).accepted);
}

}  // namespace
}  // namespace fastbatch
