// SPDX-License-Identifier: MIT
// Adam7 against the table of the PNG specification, for all small sizes: an image whose pixels say where they are.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "codecs/png.h"
#include "png_writer.h"

namespace fastbatch {
namespace {

// The pass of each pixel of an 8 x 8 block, from the specification.
constexpr std::array<std::array<int, 8>, 8> kAdam7{{{1, 6, 4, 6, 2, 6, 4, 6},
                                                    {7, 7, 7, 7, 7, 7, 7, 7},
                                                    {5, 6, 5, 6, 5, 6, 5, 6},
                                                    {7, 7, 7, 7, 7, 7, 7, 7},
                                                    {3, 6, 4, 6, 3, 6, 4, 6},
                                                    {7, 7, 7, 7, 7, 7, 7, 7},
                                                    {5, 6, 5, 6, 5, 6, 5, 6},
                                                    {7, 7, 7, 7, 7, 7, 7, 7}}};

std::uint8_t shade(std::uint32_t x, std::uint32_t y) { return static_cast<std::uint8_t>(13 * y + x + 1); }

// The rows of all passes, each behind filter 0.
test::Bytes interlaced_rows(ImageSize size) {
  test::Bytes rows;
  for (int pass = 1; pass <= 7; ++pass) {
    for (std::uint32_t y = 0; y < size.height; ++y) {
      test::Bytes row;
      for (std::uint32_t x = 0; x < size.width; ++x) {
        if (kAdam7[y % 8][x % 8] == pass) row.push_back(std::byte(shade(x, y)));
      }
      if (row.empty()) continue;
      rows.push_back(std::byte{0});
      test::append(rows, row);
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("interlaced pixels come to where the specification has them, up to every edge") {
  PngReader reader;
  const test::PngKind kind{.depth = 8, .color = 0, .interlaced = true};
  for (std::uint32_t width = 1; width <= 17; ++width) {
    for (std::uint32_t height = 1; height <= 17; ++height) {
      const ImageSize size{width, height};
      const test::Bytes file = test::png_file(size, kind, test::deflated(interlaced_rows(size)));
      reader.read_header(file, kMaxPixels);
      reader.start(ColorMode::kGray, {});
      std::vector<std::uint8_t> pixels(std::size_t{width} * height);
      REQUIRE(reader.read_rows(pixels.data(), height) == height);
      reader.finish();
      bool all = true;
      for (std::uint32_t y = 0; y < height; ++y) {
        for (std::uint32_t x = 0; x < width; ++x) all &= pixels[std::size_t{y} * width + x] == shade(x, y);
      }
      CAPTURE(width);
      CAPTURE(height);
      CHECK(all);
    }
  }
}

}  // namespace fastbatch
