// SPDX-License-Identifier: MIT
// The table of codecs: every row recognises its own sample and no other, and the reader of all formats follows it.
#include <doctest/doctest.h>

#include <array>
#include <cctype>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "codecs/file_reader.h"
#include "codecs/registry.h"
#include "common/error.h"
#include "jpeg_writer.h"
#include "png_writer.h"

namespace fastbatch {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

// One pixel, lossless, as Pillow writes it.
constexpr std::string_view kWebp("RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0/\0\0\0\0\x07P\x84&\xf4\xa0\xff\x81\x88\xe8\x7f\0\0",
                                 38);

// A sample for each row of the table, in its order.
std::vector<Bytes> samples() {
  const test::PngKind gray{.color = 0};
  return {test::write_jpeg(test::test_pixels(1, 1, 3), 1, 1), test::write_png({1, 1}, gray), bytes_of(kWebp)};
}

TEST_CASE("every row recognises its own sample and no other") {
  const std::vector<Bytes> files = samples();
  REQUIRE(files.size() == codecs().size());
  for (std::size_t row = 0; row < files.size(); ++row) {
    const Codec& codec = codecs()[row];
    CAPTURE(codec.name);
    for (std::size_t other = 0; other < files.size(); ++other) CHECK(codec.recognises(files[other]) == (row == other));
    CHECK(codec_of(files[row]) == &codec);
    CHECK(name_format(files[row]) == codec.title);
    // The first bytes decide, and no fewer crash.
    for (std::size_t n = 0; n < 16; ++n) static_cast<void>(codec.recognises(std::span(files[row]).first(n)));
    CHECK(codec.recognises(std::span(files[row]).first(12)));

    CHECK(codec.make_reader()->read_header(files[row], kMaxPixels).size == ImageSize{1, 1});
    ImageFileReader any;
    CHECK(any.read_header(files[row], kMaxPixels).codec == &codec);
    for (const Bytes& other : files) {
      if (&other == &files[row]) continue;
      CHECK_THROWS_WITH_AS(
          codec.make_reader()->read_header(other, kMaxPixels),
          ("not an image of this format: expected " + std::string(codec.title) + ", found " + name_format(other))
              .c_str(),
          DecodeError);
    }
  }
}

TEST_CASE("names and extensions are unique") {
  std::set<std::string> names;
  std::set<std::string> extensions;
  for (const Codec& codec : codecs()) {
    CHECK(names.insert(std::string(codec.name)).second);
    std::istringstream words{std::string(codec.extensions)};
    for (std::string extension; words >> extension;) {
      CHECK(extensions.insert(extension).second);
      for (const char letter : extension) CHECK(std::islower(static_cast<unsigned char>(letter)) != 0);
    }
  }
  CHECK(codec_titles() == "JPEG, PNG or WebP");
}

TEST_CASE("other files are recognised by no row, and named") {
  const std::string tar = std::string(257, '\0') + "ustar";
  const std::array<std::array<std::string_view, 2>, 12> others{{
      {"", "an empty file"},
      {"GIF89a..", "GIF"},
      {"\xff\xd8\x01", "the bytes ff d8 01"},
      {"\x89PNG\r\n\n", "the bytes 89 50 4e 47"},
      {"RIFF....WAVE", "the bytes 52 49 46 46"},
      {"RIFF....WEB", "the bytes 52 49 46 46"},
      {"<html>", "HTML or XML"},
      {"BM", "BMP"},
      {"PAR1", "a Parquet file"},
      {"\x89HDF\r\n\x1A\n", "an HDF5 file"},
      {"\x93NUMPY", "a .npy array"},
      {tar, "a tar archive"},
  }};
  for (const auto& [content, name] : others) {
    const Bytes file = bytes_of(content);
    CHECK(codec_of(file) == nullptr);
    CHECK(name_format(file) == name);
    ImageFileReader any;
    CHECK_THROWS_AS(any.read_header(file, kMaxPixels), UnsupportedError);
  }
}

TEST_CASE("the external reader reads the rest") {
  struct Other final : ImageReader {
    ImageInfo read_header(std::span<const std::byte> /*file*/, std::uint64_t /*max_pixels*/) override {
      return {.size = {7, 8}};
    }
    ImageRows start(ColorMode /*mode*/, const ImagePart& /*part*/) override { return {}; }
    std::size_t read_rows(std::uint8_t* /*rows*/, std::size_t /*n*/) override { return 0; }
    void finish() override {}
  };
  ImageFileReader any([] { return std::make_unique<Other>(); });
  CHECK_FALSE(any.is_external());
  const ImageInfo info = any.read_header(bytes_of("GIF89a.."), kMaxPixels);
  CHECK(info.size == ImageSize{7, 8});
  CHECK(info.codec == nullptr);
  CHECK(any.is_external());
  any.read_header(samples()[1], kMaxPixels);
  CHECK_FALSE(any.is_external());
}

}  // namespace
}  // namespace fastbatch
