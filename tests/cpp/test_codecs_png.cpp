// SPDX-License-Identifier: MIT
// PNG -> rows: every kind, every part, every damage. That the pixels are Pillow's is tested from Python.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codecs/png.h"
#include "common/error.h"
#include "png_writer.h"

namespace fastbatch {
namespace {

using test::Bytes;
using test::PngKind;
using test::write_png;
using Pixels = std::vector<std::uint8_t>;

const std::vector<PngKind> kKinds{{1, 0}, {2, 0}, {4, 0}, {8, 0}, {16, 0}, {8, 2}, {16, 2}, {1, 3},
                                  {2, 3}, {4, 3}, {8, 3}, {8, 4}, {16, 4}, {8, 6}, {16, 6}};

Pixels decode(PngReader& reader, const Bytes& file, ColorMode mode = ColorMode::kRgba, const Window& window = {},
              std::size_t at_once = 7) {
  reader.read_header(file, kMaxPixels);
  const Window rows = reader.start(mode, {.window = window}).window;
  const std::size_t stride = rows.width * pixel_bytes_of(mode);
  Pixels pixels(stride * rows.height);
  std::size_t y = 0;
  while (const std::size_t n = reader.read_rows(pixels.data() + y * stride, at_once)) y += n;
  CHECK(y == rows.height);
  reader.finish();
  return pixels;
}

std::string error_of(PngReader& reader, const Bytes& file) {
  try {
    decode(reader, file);
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "no error";
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST_CASE("a window of an image holds what the whole has there") {
  PngReader reader;
  for (PngKind kind : kKinds) {
    for (const bool interlaced : {false, true}) {
      kind.interlaced = interlaced;
      CAPTURE(kind.depth);
      CAPTURE(kind.color);
      const ImageSize size{37, 21};
      const Bytes file = write_png(size, kind);
      const Pixels whole = decode(reader, file);
      for (const Window& window :
           {Window{0, 0, 37, 21}, Window{5, 3, 11, 6}, Window{36, 20, 1, 1}, Window{0, 20, 37, 1}}) {
        const Pixels part = decode(reader, file, ColorMode::kRgba, window);
        for (std::size_t y = 0; y < window.height; ++y) {
          const auto wanted = whole.begin() + static_cast<std::ptrdiff_t>(4 * ((window.y + y) * size.width + window.x));
          CHECK(std::equal(wanted, wanted + static_cast<std::ptrdiff_t>(4 * window.width),
                           part.begin() + static_cast<std::ptrdiff_t>(4 * y * window.width)));
        }
      }
    }
  }
}

TEST_CASE("small sizes have passes without pixels") {
  PngReader reader;
  for (std::uint32_t width = 1; width <= 9; ++width) {
    for (std::uint32_t height = 1; height <= 9; ++height) {
      for (const PngKind& kind : {PngKind{8, 2, true}, PngKind{1, 0, true}, PngKind{4, 3, true}}) {
        CHECK(decode(reader, write_png({width, height}, kind)).size() == std::size_t{4} * width * height);
      }
    }
  }
}

TEST_CASE("the stream may be cut anywhere, and zlib gives what libdeflate gives") {
  PngReader reader;
  const ImageSize size{90, 70};
  for (const PngKind& kind : {PngKind{8, 2}, PngKind{8, 2, true}, PngKind{16, 6}}) {
    const Bytes rows = test::png_rows(size, kind, 3);
    Bytes compressed = test::deflated(rows);
    const Pixels wanted = decode(reader, test::png_file(size, kind, compressed));
    for (const std::size_t piece : {1U, 7U, 1000U}) {
      PngKind cut = kind;
      cut.piece = piece;
      CHECK(decode(reader, test::png_file(size, cut, compressed)) == wanted);
    }
    // A wrong checksum in a chunk of its own: libdeflate refuses, and zlib has all rows before it sees it.
    compressed.back() ^= std::byte{1};
    PngKind apart = kind;
    apart.piece = compressed.size() - 4;
    CHECK(decode(reader, test::png_file(size, apart, compressed)) == wanted);
    CHECK(has(error_of(reader, test::png_file(size, kind, compressed)), "broken PNG"));
  }
}

TEST_CASE("a stream that ends between two rows leaves the rest black") {
  PngReader reader;
  const PngKind kind;
  Bytes rows = test::png_rows({10, 8}, kind, 1);
  const Pixels whole = decode(reader, test::png_file({10, 8}, kind, test::deflated(rows)), ColorMode::kRgb);
  rows.resize(5 * 31);
  Pixels wanted = whole;
  std::fill(wanted.begin() + 5 * 30, wanted.end(), std::uint8_t{0});
  CHECK(decode(reader, test::png_file({10, 8}, kind, test::deflated(rows)), ColorMode::kRgb) == wanted);
  rows.resize(5 * 31 - 1);
  CHECK(has(error_of(reader, test::png_file({10, 8}, kind, test::deflated(rows))), "PNG ends early"));
}

TEST_CASE("every cut and every flipped byte is decoded or refused, and leaves nothing behind") {
  PngReader used;
  for (const PngKind& kind : {PngKind{8, 2}, PngKind{2, 3, true}, PngKind{16, 4}}) {
    const Bytes file = write_png({9, 6}, kind);
    const Pixels wanted = decode(used, file);
    for (std::size_t n = 0; n < file.size(); ++n) {
      error_of(used, Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
      Bytes flipped = file;
      flipped[n] ^= std::byte{0x10};
      error_of(used, flipped);
      REQUIRE(decode(used, file) == wanted);
    }
  }
}

TEST_CASE("what is refused is named") {
  PngReader reader;
  const PngKind kind;
  const Bytes compressed = test::deflated(test::png_rows({4, 4}, kind, 1));
  CHECK(has(error_of(reader, Bytes(30)), "expected PNG, found the bytes 00 00 00 00"));
  CHECK(has(error_of(reader, Bytes()), "found an empty file"));
  CHECK(has(error_of(reader, test::png_file({65500, 65500}, kind, compressed)),
            "image too large: expected at most 178956970 pixels, found 65500 x 65500"));
  CHECK(has(error_of(reader, test::png_file({0, 4}, kind, compressed)), "at least one pixel"));
  CHECK(has(error_of(reader, test::png_file({4, 4}, {3, 2}, compressed)), "expected a header"));
  Bytes wrong_filter = test::png_rows({4, 4}, kind, 1);
  wrong_filter[0] = std::byte{9};
  CHECK(has(error_of(reader, test::png_file({4, 4}, kind, test::deflated(wrong_filter))),
            "expected filter 0 to 4, found 9 in row 0"));
  const Bytes animation = test::png_chunk("fcTL", [] {
    Bytes data;
    for (const std::uint32_t value : {0U, 2U, 2U, 0U, 0U}) test::append_big(data, value);
    data.resize(26);
    return data;
  }());
  CHECK(has(error_of(reader, test::png_file({4, 4}, kind, compressed, animation)), "unsupported PNG: an animation"));
  CHECK(error_of(reader, write_png({4, 4}, kind)) == "no error");
}

TEST_CASE("a mode that cannot be had is refused") {
  PngReader reader;
  CHECK_THROWS_AS(decode(reader, write_png({4, 4}, {8, 2}), ColorMode::kIndex), DecodeError);
  CHECK_THROWS_AS(decode(reader, write_png({4, 4}, {8, 3}), ColorMode::kGray16), DecodeError);
  CHECK_THROWS_AS(decode(reader, write_png({4, 4}, {8, 2}), ColorMode::kGrayAlpha), DecodeError);
  CHECK(decode(reader, write_png({4, 4}, {8, 4}), ColorMode::kGrayAlpha).size() == 32);
  CHECK(decode(reader, write_png({4, 4}, {16, 0}), ColorMode::kGray16).size() == 32);
}

}  // namespace
}  // namespace fastbatch
