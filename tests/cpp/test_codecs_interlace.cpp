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

// The sample of a pixel, of `depth` bits.
std::uint8_t shade(std::uint32_t x, std::uint32_t y, unsigned depth) {
  const std::uint32_t value = 13 * y + x + 1 + x / 8 * 5;
  return static_cast<std::uint8_t>(value & ((1U << depth) - 1));
}

// The samples of a row of a pass, packed from the highest bits on.
test::Bytes packed(const std::vector<std::uint8_t>& samples, unsigned depth) {
  test::Bytes row((samples.size() * depth + 7) / 8);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::size_t bit = i * depth;
    row[bit / 8] |= std::byte(samples[i] << (8 - depth - bit % 8));
  }
  return row;
}

// The rows of all passes, each behind filter 0.
test::Bytes interlaced_rows(ImageSize size, unsigned depth) {
  test::Bytes rows;
  for (int pass = 1; pass <= 7; ++pass) {
    for (std::uint32_t y = 0; y < size.height; ++y) {
      std::vector<std::uint8_t> row;
      for (std::uint32_t x = 0; x < size.width; ++x) {
        if (kAdam7[y % 8][x % 8] == pass) row.push_back(shade(x, y, depth));
      }
      if (row.empty()) continue;
      rows.push_back(std::byte{0});
      test::append(rows, packed(row, depth));
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("interlaced pixels come to where the specification has them, up to every edge") {
  PngReader reader;
  for (const unsigned depth : {1U, 2U, 4U, 8U}) {
    const test::PngKind kind{.depth = depth, .color = 0, .interlaced = true};
    const unsigned white = (1U << depth) - 1;
    for (std::uint32_t width = 1; width <= 84; width += width < 17 ? 1 : 67) {
      for (std::uint32_t height = 1; height <= 17; ++height) {
        const ImageSize size{width, height};
        const test::Bytes file = test::png_file(size, kind, test::deflated(interlaced_rows(size, depth)));
        reader.read_header(file, kMaxPixels);
        reader.start(depth == 1 ? ColorMode::kRgb : ColorMode::kGray, {});
        const std::size_t channels = depth == 1 ? 3 : 1;  // Pillow has no grey of one bit
        std::vector<std::uint8_t> pixels(channels * width * height);
        REQUIRE(reader.read_rows(pixels.data(), height) == height);
        reader.finish();
        bool all = true;
        for (std::uint32_t y = 0; y < height; ++y) {
          for (std::uint32_t x = 0; x < width; ++x) {
            all &= pixels[channels * (std::size_t{y} * width + x)] == shade(x, y, depth) * 255U / white;
          }
        }
        CAPTURE(depth);
        CAPTURE(width);
        CAPTURE(height);
        CHECK(all);
      }
    }
  }
}

}  // namespace fastbatch
