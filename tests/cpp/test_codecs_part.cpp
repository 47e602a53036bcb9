// SPDX-License-Identifier: MIT
// Parts of a JPEG, smaller scales and other colour modes: always the pixels of the whole image.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "codecs/color.h"
#include "codecs/jpeg/reader.h"
#include "common/error.h"
#include "jpeg_writer.h"

namespace fastbatch {
namespace {

using test::JpegKind;
using test::read_jpeg;
using test::test_pixels;
using test::write_jpeg;
using Bytes = std::vector<std::byte>;
using Pixels = std::vector<std::uint8_t>;

Bytes make(unsigned width, unsigned height, const JpegKind& kind = {}) {
  return write_jpeg(test_pixels(width, height, kind.components), width, height, kind);
}

struct Decoded {
  ImageRows rows;
  Pixels pixels;
};

Decoded decode(JpegReader& reader, const Bytes& file, ColorMode mode, const ImagePart& part, std::size_t portion = 7) {
  reader.read_header(file, kMaxPixels);
  Decoded decoded{reader.start(mode, part), {}};
  const Window& window = decoded.rows.window;
  const std::size_t stride = window.width * pixel_bytes_of(mode);
  decoded.pixels.resize(stride * window.height);
  std::size_t y = 0;
  while (const std::size_t n = reader.read_rows(decoded.pixels.data() + y * stride, portion)) y += n;
  CHECK(y == window.height);
  reader.finish();
  return decoded;
}

// Are the pixels that were asked for those of the whole image?
bool equal_within(const Decoded& part, const Pixels& whole, const Window& asked, std::size_t bytes) {
  const unsigned d = part.rows.denominator;
  const Window& got = part.rows.window;
  const std::size_t left = asked.x / d;
  const std::size_t right = std::min<std::size_t>((asked.x + asked.width + d - 1) / d, part.rows.scaled.width);
  const std::size_t bottom = std::min<std::size_t>((asked.y + asked.height + d - 1) / d, part.rows.scaled.height);
  if (got.x > left || got.x + got.width < right || got.y > asked.y / d || got.y + got.height < bottom) return false;
  for (std::size_t y = asked.y / d; y < bottom; ++y) {
    const std::uint8_t* expected = whole.data() + (y * part.rows.scaled.width + left) * bytes;
    const std::uint8_t* found = part.pixels.data() + ((y - got.y) * got.width + left - got.x) * bytes;
    if (!std::equal(expected, expected + (right - left) * bytes, found)) return false;
  }
  return true;
}

std::vector<Window> windows_of(unsigned width, unsigned height) {
  std::vector<Window> windows = {{0, 0, width, height}, {0, 0, 1, 1}, {width - 1U, height - 1U, 1, 1}};
  std::uint32_t noise = width * 31 + height;
  const auto below = [&](std::size_t limit) {
    noise = noise * 1664525U + 1013904223U;
    return (noise >> 8U) % limit;
  };
  for (int i = 0; i < 12; ++i) {
    const std::size_t x = below(width);
    const std::size_t y = below(height);
    windows.push_back({x, y, 1 + below(width - x), 1 + below(height - y)});
  }
  windows.push_back({0, height / 2, width, height - height / 2});
  windows.push_back({width / 2, 0, width - width / 2, height});
  return windows;
}

TEST_CASE("a part of any file, at any scale, is the part of the whole") {
  JpegReader reader;
  const int factors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}};
  for (const auto& factor : factors) {
    for (const auto& [width, height] : {std::pair{1U, 1U}, {33U, 17U}, {95U, 130U}, {200U, 3U}, {161U, 99U}}) {
      for (const int coding : {0, 1, 2, 3}) {
        JpegKind kind;
        kind.h_samp = factor[0];
        kind.v_samp = factor[1];
        kind.progressive = coding == 1;
        kind.restart_interval = coding == 2 ? 3 : 0;
        kind.arithmetic = coding == 3;
        const Bytes file = make(width, height, kind);
        for (const unsigned denominator : {1U, 2U, 4U, 8U}) {
          const Pixels whole = read_jpeg(file, JCS_RGB, denominator);
          for (const Window& window : windows_of(width, height)) {
            const Decoded part = decode(reader, file, ColorMode::kRgb, {window, denominator});
            CHECK(part.rows.denominator == denominator);
            CHECK(part.rows.scaled ==
                  ImageSize{(width + denominator - 1) / denominator, (height + denominator - 1) / denominator});
            CAPTURE(factor[0]);
            CAPTURE(factor[1]);
            CAPTURE(coding);
            CAPTURE(denominator);
            CAPTURE(window.x);
            CAPTURE(window.y);
            CAPTURE(window.width);
            CAPTURE(window.height);
            CHECK(equal_within(part, whole, window, 3));
          }
        }
      }
    }
  }
}

TEST_CASE("colour modes are made from the pixels, as Pillow makes them") {
  JpegReader reader;
  JpegKind gray;
  gray.components = 1;
  JpegKind cmyk;
  cmyk.components = 4;
  cmyk.stored = JCS_YCCK;
  for (const JpegKind& kind : {JpegKind{}, gray, cmyk}) {
    const Bytes file = make(75, 41, kind);
    const Pixels rgb = decode(reader, file, ColorMode::kRgb, {}).pixels;
    const Pixels rgba = decode(reader, file, ColorMode::kRgba, {}).pixels;
    const Pixels luma = decode(reader, file, ColorMode::kGray, {}).pixels;
    const Pixels wide = decode(reader, file, ColorMode::kGray16, {}).pixels;
    const Pixels stored = kind.components == 1 ? read_jpeg(file, JCS_GRAYSCALE) : Pixels();
    REQUIRE(luma.size() == 75 * 41);
    for (std::size_t i = 0; i < luma.size(); ++i) {
      const std::uint8_t* pixel = rgb.data() + 3 * i;
      CHECK(std::equal(pixel, pixel + 3, rgba.data() + 4 * i));
      CHECK(rgba[4 * i + 3] == 255);
      // The weights 0.299, 0.587 and 0.114 in 65536ths.
      const unsigned sum = pixel[0] * 19595U + pixel[1] * 38470U + pixel[2] * 7471U;
      CHECK(luma[i] == (kind.components == 1 ? stored[i] : (sum + 32768U) / 65536U));
      std::uint16_t value = 0;
      std::memcpy(&value, wide.data() + 2 * i, 2);
      CHECK(value == luma[i]);
    }
  }
  reader.read_header(make(8, 8), kMaxPixels);
  CHECK_THROWS_WITH_AS(reader.start(ColorMode::kIndex, {}),
                       "a JPEG has neither a palette nor an alpha: expected another colour mode", DecodeError);
}

TEST_CASE("parts in colour modes that are made row by row") {
  JpegReader reader;
  JpegKind cmyk;
  cmyk.components = 4;
  cmyk.stored = JCS_YCCK;
  JpegKind wide;
  wide.h_samp = wide.v_samp = 1;
  for (const JpegKind& kind : {JpegKind{}, cmyk, wide}) {
    const Bytes file = make(161, 99, kind);
    for (const ColorMode mode : {ColorMode::kRgb, ColorMode::kRgba, ColorMode::kGray, ColorMode::kGray16}) {
      for (const unsigned denominator : {1U, 4U}) {
        const Pixels whole = decode(reader, file, mode, {{}, denominator}).pixels;
        for (const Window& window : windows_of(161, 99)) {
          CHECK(equal_within(decode(reader, file, mode, {window, denominator}, 1000), whole, window,
                             pixel_bytes_of(mode)));
        }
      }
    }
  }
}

TEST_CASE("damage counts only where something is wanted") {
  JpegReader reader;
  for (const bool progressive : {false, true}) {
    JpegKind kind;
    kind.progressive = progressive;
    const Bytes file = make(120, 200, kind);
    const Pixels whole = read_jpeg(file, JCS_RGB);
    const Window top{10, 20, 50, 30};
    std::size_t n_read = 0;
    for (std::size_t size = 0; size + 2 < file.size(); size += 7) {
      const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      for (const Window& window : {top, Window{0, 0, 120, 200}, Window{60, 150, 10, 50}}) {
        bool equal = true;
        bool read = false;
        try {
          equal = equal_within(decode(reader, cut, ColorMode::kRgb, {window, 1}), whole, window, 3);
          read = true;
        } catch (const DecodeError& error) {
          CHECK(std::string(error.what()).find("expected") != std::string::npos);
        }
        CHECK(equal);
        CHECK((!read || window == top));  // all others end where the file did
        n_read += read ? 1U : 0U;
      }
    }
    CHECK((n_read > 0) == !progressive);
    CHECK(equal_within(decode(reader, file, ColorMode::kRgb, {top, 1}), whole, top, 3));
  }
}

}  // namespace
}  // namespace fastbatch
