// SPDX-License-Identifier: MIT
// JPEG -> RGB rows: every kind of file, every kind of damage. That the pixels are Pillow's is tested from Python.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/image.h"
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

Bytes make(unsigned width, unsigned height, const JpegKind& kind = {}, unsigned seed = 1) {
  return write_jpeg(test_pixels(width, height, kind.components, seed), width, height, kind);
}

Pixels decode(JpegReader& reader, const Bytes& file) {
  const ImageSize size = reader.read_header(file, kMaxPixels).size;
  Pixels pixels(3 * size.pixels());
  reader.start(ColorMode::kRgb, {});
  reader.read_rows(pixels.data(), size.height);
  reader.finish();
  return pixels;
}

std::string error_of(JpegReader& reader, const Bytes& file) {
  try {
    decode(reader, file);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "no error";
}

Bytes bytes_of(std::string_view text) {
  Bytes bytes;
  for (const char letter : text) bytes.push_back(static_cast<std::byte>(letter));
  return bytes;
}

std::size_t find(const Bytes& file, unsigned marker) {
  for (std::size_t i = 0; i + 1 < file.size(); ++i) {
    if (file[i] == std::byte{0xFF} && file[i + 1] == std::byte(marker)) return i;
  }
  FAIL("the test's file lacks marker " << marker);
  return 0;
}

void remove_segment(Bytes& file, unsigned marker) {
  const std::size_t at = find(file, marker);
  const std::size_t size =
      2 + (std::to_integer<std::size_t>(file[at + 2]) << 8U) + std::to_integer<std::size_t>(file[at + 3]);
  file.erase(file.begin() + static_cast<std::ptrdiff_t>(at), file.begin() + static_cast<std::ptrdiff_t>(at + size));
}

TEST_CASE("every subsampling, size and coding gives libjpeg's pixels") {
  JpegReader reader;
  const int factors[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}};
  for (const auto& factor : factors) {
    for (const unsigned width : {1U, 7U, 16U, 33U, 95U}) {
      for (const unsigned height : {1U, 8U, 17U, 50U}) {
        for (const int coding : {0, 1, 2, 3}) {
          JpegKind kind;
          kind.h_samp = factor[0];
          kind.v_samp = factor[1];
          kind.progressive = coding == 1;
          kind.restart_interval = coding == 2 ? 2 : 0;
          kind.arithmetic = coding == 3;
          CAPTURE(width);
          CAPTURE(height);
          CAPTURE(coding);
          const Bytes file = make(width, height, kind);
          CHECK(reader.read_header(file, kMaxPixels).size == ImageSize{width, height});
          CHECK(decode(reader, file) == read_jpeg(file, JCS_RGB));
        }
      }
    }
  }
}

TEST_CASE("rows come in any portions") {
  JpegReader reader;
  const Bytes file = make(40, 37);
  const Pixels expected = read_jpeg(file, JCS_RGB);
  for (const std::size_t portion : {1U, 2U, 3U, 8U, 16U, 17U, 36U, 37U, 1000U}) {
    CAPTURE(portion);
    reader.read_header(file, kMaxPixels);
    reader.start(ColorMode::kRgb, {});
    Pixels pixels(expected.size());
    std::size_t y = 0;
    while (const std::size_t n = reader.read_rows(pixels.data() + y * 120, portion)) {
      CHECK(n == std::min<std::size_t>(portion, 37 - y));
      y += n;
    }
    CHECK(y == 37);
    reader.finish();
    CHECK(pixels == expected);
  }
}

TEST_CASE("grey is spread over the three channels, RGB stays") {
  JpegReader reader;
  JpegKind grey;
  grey.components = 1;
  const Bytes file = make(21, 13, grey);
  const Pixels values = read_jpeg(file, JCS_GRAYSCALE);
  const Pixels pixels = decode(reader, file);
  for (std::size_t i = 0; i < pixels.size(); ++i) CHECK(pixels[i] == values[i / 3]);

  JpegKind rgb;
  rgb.stored = JCS_RGB;
  rgb.h_samp = rgb.v_samp = 1;
  CHECK(decode(reader, make(21, 13, rgb)) == read_jpeg(make(21, 13, rgb), JCS_RGB));
}

TEST_CASE("CMYK and YCCK are read inverted, as Adobe writes them") {
  JpegReader reader;
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    JpegKind kind;
    kind.components = 4;
    kind.stored = stored;
    kind.h_samp = kind.v_samp = stored == JCS_YCCK ? 2 : 1;
    kind.quality = 100;
    const Bytes file = make(64, 64, kind);
    const Pixels raw = read_jpeg(file, JCS_CMYK);
    const Pixels pixels = decode(reader, file);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const int white = raw[i / 3 * 4 + 3];
      const int ink = 255 - raw[i / 3 * 4 + i % 3];
      const int expected = white - (2 * ink * white + 255) / 510;  // ink * white / 255, halves up
      CHECK(int{pixels[i]} == expected);
    }
  }
}

TEST_CASE("a file that ends early is refused wherever it ends") {
  JpegReader reader;
  JpegKind progressive;
  progressive.progressive = true;
  for (const JpegKind& kind : {JpegKind{}, progressive}) {
    const Bytes file = make(50, 37, kind);
    for (std::size_t size = 0; size + 2 < file.size(); ++size) {
      const std::string message =
          error_of(reader, Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
      CAPTURE(message);
      CHECK(message.find("expected") != std::string::npos);
    }
    CHECK(decode(reader, file) == read_jpeg(file, JCS_RGB));
  }
}

TEST_CASE("the message of an early end counts the rows that were there") {
  JpegReader reader;
  const Bytes file = make(64, 64);
  Bytes half(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(file.size() / 2));
  const std::string message = error_of(reader, half);
  int found = -1;
  CAPTURE(message);
  REQUIRE(std::sscanf(message.c_str(), "JPEG ends early: expected 64 rows, found %d", &found) == 1);
  CHECK(found > 0);
  CHECK(found < 64);
  half.resize(find(file, 0xC0) + 4);
  CHECK(error_of(reader, half) == "JPEG ends early: expected an image header, found the end of the file after " +
                                      std::to_string(half.size()) + " bytes");
  JpegKind progressive;
  progressive.progressive = true;
  Bytes scans = make(64, 64, progressive);
  scans.erase(scans.end() - 40, scans.end());
  CHECK(error_of(reader, scans).starts_with("JPEG ends early: expected 64 rows, found the end of the file in scan "));
}

TEST_CASE("what follows the pixels may be missing or wrong") {
  JpegReader reader;
  const Bytes file = make(50, 37);
  const Pixels expected = read_jpeg(file, JCS_RGB);
  Bytes longer = file;
  longer.resize(file.size() + 100'000, std::byte{0x5A});
  CHECK(decode(reader, longer) == expected);
  Bytes endless = file;
  endless.erase(endless.end() - 2, endless.end());
  endless.resize(file.size() + 100'000);  // zeros where the end marker should be
  CHECK(decode(reader, endless) == expected);
}

TEST_CASE("a file that is no JPEG is called by its name") {
  JpegReader reader;
  const std::pair<std::string_view, std::string_view> files[] = {
      {"", "an empty file"},
      {"\x89PNG\r\n\x1A\n....", "PNG"},
      {"GIF89a....", "GIF"},
      {"RIFF....WEBPVP8 ", "WebP"},
      {" \r\n<!DOCTYPE html><html>", "HTML or XML"},
      {"<svg>", "HTML or XML"},
      {"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"},
      {"\x01\x02", "the bytes 01 02"},
      {"\xFF\xD8", "the bytes ff d8"},
      {"nothing", "the bytes 6e 6f 74 68"},
  };
  for (const auto& [text, name] : files) {
    CHECK(error_of(reader, bytes_of(text)) == "not an image of this format: expected JPEG, found " + std::string(name));
  }
}

TEST_CASE("limits hold before memory is asked for") {
  JpegReader reader;
  Bytes file = make(16, 16);
  CHECK(reader.read_header(file, 256).size == ImageSize{16, 16});
  CHECK_THROWS_WITH_AS(reader.read_header(file, 255), "image too large: expected at most 255 pixels, found 16 x 16",
                       DecodeError);
  const std::size_t frame = find(file, 0xC0);
  for (std::size_t i = 5; i < 9; ++i) file[frame + i] = std::byte{0xFF};  // 65,535 x 65,535: over libjpeg's own limit
  CHECK(error_of(reader, file).find("65500") != std::string::npos);
  for (std::size_t i = 5; i < 9; i += 2) file[frame + i] = std::byte{0xF0};
  CHECK(error_of(reader, file) == "image too large: expected at most 178956970 pixels, found 61695 x 61695");
}

TEST_CASE("a thousand scans are too many") {
  JpegKind kind;
  kind.progressive = true;
  kind.components = 1;
  const Bytes file = make(16, 16, kind);
  // The first scan once more, a thousand times, in front of itself.
  const std::size_t scan = find(file, 0xDA);
  std::size_t end = scan + 2;
  while (file[end] != std::byte{0xFF} || file[end + 1] == std::byte{0}) ++end;
  Bytes bomb(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(scan));
  for (int i = 0; i < 1000; ++i) {
    bomb.insert(bomb.end(), file.begin() + static_cast<std::ptrdiff_t>(scan),
                file.begin() + static_cast<std::ptrdiff_t>(end));
  }
  bomb.insert(bomb.end(), file.begin() + static_cast<std::ptrdiff_t>(scan), file.end());
  JpegReader reader;
  CHECK(error_of(reader, bomb) == "broken JPEG: expected at most 100 scans, found more");
}

TEST_CASE("kinds that are not supported are refused by name") {
  JpegReader reader;
  Bytes two = make(16, 16);
  const std::size_t frame = find(two, 0xC0);
  Bytes deep = two;
  deep[frame + 4] = std::byte{12};
  CHECK(error_of(reader, deep).find("12") != std::string::npos);
  Bytes lossless = two;
  lossless[frame + 1] = std::byte{0xC3};
  CHECK(error_of(reader, lossless) != "no error");
}

TEST_CASE("an image never sees the tables of the one before") {
  JpegKind coarse;
  coarse.quality = 5;
  Bytes no_tables = make(32, 32);
  remove_segment(no_tables, 0xDB);
  remove_segment(no_tables, 0xDB);
  Bytes no_codes = make(32, 32);
  for (int i = 0; i < 4; ++i) remove_segment(no_codes, 0xC4);
  JpegReader fresh;
  const std::string refusal = error_of(fresh, no_tables);
  CHECK(refusal.starts_with("broken JPEG: "));
  JpegReader used;
  decode(used, make(32, 32, coarse));
  CHECK(error_of(used, no_tables) == refusal);
  CHECK(error_of(used, no_codes) == error_of(fresh, no_codes));  // libjpeg-turbo takes the standard codes
}

TEST_CASE("tables may come as a stream of their own in front") {
  const Bytes file = make(32, 32);
  const std::size_t frame = find(file, 0xC0);
  Bytes split(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(frame));
  for (const unsigned value : {0xFFU, 0xD9U, 0xFFU, 0xD8U}) split.push_back(std::byte(value));
  split.insert(split.end(), file.begin() + static_cast<std::ptrdiff_t>(frame), file.end());
  JpegReader reader;
  // The JFIF marker is in the first stream, so the colours are guessed from the components' numbers: the same.
  CHECK(decode(reader, split) == read_jpeg(file, JCS_RGB));
}

TEST_CASE("a reader can be used again after any error, and left at any step") {
  JpegReader reader;
  const Bytes file = make(50, 37);
  const Pixels expected = read_jpeg(file, JCS_RGB);
  CHECK_THROWS_AS(reader.finish(), DecodeError);
  CHECK_THROWS_AS(reader.start(ColorMode::kRgb, {}), DecodeError);
  reader.read_header(file, kMaxPixels);
  CHECK(decode(reader, file) == expected);
  reader.read_header(file, kMaxPixels);
  reader.start(ColorMode::kRgb, {});
  CHECK(decode(reader, file) == expected);
  Pixels some(150 * 5);
  reader.read_header(file, kMaxPixels);
  reader.start(ColorMode::kRgb, {});
  reader.read_rows(some.data(), 5);
  CHECK_THROWS_AS(reader.finish(), DecodeError);
  CHECK(decode(reader, file) == expected);
  CHECK(std::equal(some.begin(), some.end(), expected.begin()));
  JpegReader moved = std::move(reader);
  CHECK(decode(moved, file) == expected);
}

TEST_CASE("a long marker reaches over the blocks in which libjpeg is fed") {
  const Bytes file = make(50, 37);
  Bytes padded(file.begin(), file.begin() + 2);
  for (int i = 0; i < 5; ++i) {
    for (const unsigned value : {0xFFU, 0xE5U, 0xFFU, 0xFFU}) padded.push_back(std::byte(value));
    padded.resize(padded.size() + 0xFFFD, std::byte{0xFF});
  }
  padded.insert(padded.end(), file.begin() + 2, file.end());
  JpegReader reader;
  CHECK(decode(reader, padded) == read_jpeg(file, JCS_RGB));
  padded.resize(200'000);
  CHECK(error_of(reader, padded) ==
        "JPEG ends early: expected an image header, found the end of the file after 200000 bytes");
}

}  // namespace
}  // namespace fastbatch
