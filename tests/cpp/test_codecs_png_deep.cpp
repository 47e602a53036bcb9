// SPDX-License-Identifier: MIT
// PNG files of 16 bits with all their bits: against the stored samples of files without filters.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "codecs/png.h"
#include "common/error.h"
#include "png_writer.h"

namespace fastbatch {
namespace {

using test::Bytes;
using Samples = std::vector<std::uint16_t>;

constexpr std::uint32_t kWidth = 5;
constexpr std::uint32_t kHeight = 3;

std::size_t channels_in(unsigned color) { return color == 2 ? 3 : color == 4 ? 2 : color == 6 ? 4 : 1; }

Samples samples_of(unsigned color) {
  Samples samples(kWidth * kHeight * channels_in(color));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::uint16_t>(i * 4099 + 259);
  return samples;
}

// A file of these samples; `before` is between its header and its pixels.
Bytes file_of(const Samples& samples, unsigned color, const Bytes& before = {}) {
  const std::size_t row = samples.size() / kHeight;
  std::vector<Bytef> raw;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i % row == 0) raw.push_back(0);
    raw.push_back(static_cast<Bytef>(samples[i] >> 8U));
    raw.push_back(static_cast<Bytef>(samples[i] & 255U));
  }
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  Bytes packed(size);
  REQUIRE(compress(reinterpret_cast<Bytef*>(packed.data()), &size, raw.data(), static_cast<uLong>(raw.size())) == Z_OK);
  packed.resize(size);
  Bytes file = test::png_signature();
  test::append(file, test::png_header(kWidth, kHeight, {.depth = 16, .color = color}));
  test::append(file, before);
  test::append(file, test::png_chunk("IDAT", packed));
  test::append(file, test::png_chunk("IEND", {}));
  return file;
}

Samples read(PngReader& reader, const Bytes& file, ColorMode mode, std::size_t channels, const Window& window = {}) {
  CHECK(reader.read_header(file, 1000).element == DType::kU16);
  const ImageRows rows = reader.start(mode, {.window = window, .is_deep = true});
  Samples pixels(rows.window.width * rows.window.height * channels);
  auto* const bytes = reinterpret_cast<std::uint8_t*>(pixels.data());
  CHECK(reader.read_rows(bytes, 2) + reader.read_rows(bytes + 4 * channels * rows.window.width, 100) ==
        rows.window.height);
  reader.finish();
  return pixels;
}

}  // namespace

TEST_CASE("16 bits as they are stored, whole and in part") {
  PngReader reader;
  for (const unsigned color : {0U, 2U, 4U, 6U}) {
    const Samples stored = samples_of(color);
    const std::size_t n = channels_in(color);
    CHECK(read(reader, file_of(stored, color), ColorMode::kStored, n) == stored);
    const Samples part = read(reader, file_of(stored, color), ColorMode::kStored, n, {1, 0, 2, kHeight});
    CHECK(std::memcmp(part.data(), stored.data() + n, 4 * n) == 0);
  }
}

TEST_CASE("16 bits in the colours of 8 bits") {
  PngReader reader;
  const Samples gray = samples_of(0);
  const Samples rgb = read(reader, file_of(gray, 0), ColorMode::kRgb, 3);
  const Samples rgba = read(reader, file_of(gray, 0), ColorMode::kRgba, 4);
  for (std::size_t i = 0; i < gray.size(); ++i) {
    CHECK(rgb[3 * i + 2] == gray[i]);
    CHECK(rgba[4 * i + 1] == gray[i]);
    CHECK(rgba[4 * i + 3] == 65535);
  }
  CHECK(read(reader, file_of(rgb, 2), ColorMode::kGray, 1) == gray);  // equal colours have their luma
  const Samples pairs = samples_of(4);
  const Samples both = read(reader, file_of(pairs, 4), ColorMode::kRgba, 4);
  CHECK(both[4] == pairs[2]);
  CHECK(both[7] == pairs[3]);
}

TEST_CASE("all 16 bits of the transparent colour are compared") {
  Samples gray(kWidth * kHeight, 0x0102);
  gray[1] = 0x0202;  // the same low byte
  PngReader reader;
  const Bytes hidden = test::png_chunk("tRNS", {std::byte{1}, std::byte{2}});
  const Samples rgba = read(reader, file_of(gray, 0, hidden), ColorMode::kRgba, 4);
  CHECK(rgba[3] == 0);
  CHECK(rgba[7] == 65535);
}

TEST_CASE("files of 8 bits and other modes are refused") {
  PngReader reader;
  Bytes file = file_of(samples_of(2), 2);
  (void)reader.read_header(file, 1000);
  CHECK_THROWS_AS((void)reader.start(ColorMode::kIndex, {.is_deep = true}), DecodeError);
  const Bytes eight = test::png_header(kWidth, kHeight, {.depth = 8, .color = 2});
  std::memcpy(file.data() + 8, eight.data(), eight.size());
  CHECK(reader.read_header(file, 1000).element == DType::kU8);
  CHECK_THROWS_AS((void)reader.start(ColorMode::kRgb, {.is_deep = true}), DecodeError);
}

}  // namespace fastbatch
