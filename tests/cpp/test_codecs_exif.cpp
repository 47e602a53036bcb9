// SPDX-License-Identifier: MIT
// Orientation tags: both byte orders, every kind of number, and garbage.
#include <doctest/doctest.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/exif.h"
#include "codecs/jpeg/reader.h"
#include "common/error.h"
#include "jpeg_writer.h"

namespace fastbatch {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Orientation = std::optional<std::uint8_t>;

std::string number(std::uint64_t value, std::size_t size, bool big_endian) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> 8U * (big_endian ? size - 1 - i : i) & 0xFFU);
  }
  return bytes;
}

struct Entry {
  std::uint64_t tag, type, count;
  std::string value;  // four bytes
};

std::string exif(bool big_endian, const std::vector<Entry>& entries, const std::string& after = "") {
  std::string bytes = "Exif\0\0"s + (big_endian ? "MM\0*"s : "II*\0"s) + number(8, 4, big_endian);
  bytes += number(entries.size(), 2, big_endian);
  for (const Entry& entry : entries) {
    bytes += number(entry.tag, 2, big_endian) + number(entry.type, 2, big_endian) + number(entry.count, 4, big_endian);
    bytes += entry.value;
  }
  return bytes + number(0, 4, big_endian) + after;
}

Orientation read(std::string_view bytes) { return exif_orientation(std::as_bytes(std::span(bytes))); }

TEST_CASE("orientation in either byte order, as any whole number") {
  for (const bool big : {false, true}) {
    for (std::uint64_t value = 0; value < 12; ++value) {
      const std::uint8_t expected = value >= 1 && value <= 8 ? static_cast<std::uint8_t>(value) : 1;
      for (const auto& [type, size] : {std::pair{3, 2}, {4, 4}, {6, 1}, {8, 2}, {9, 4}}) {
        std::string inside = number(value, static_cast<std::size_t>(size), big);
        inside.resize(4);
        const auto kind = static_cast<std::uint64_t>(type);
        CHECK(read(exif(big, {{0x010F, 2, 3, "ab\0\0"s}, {0x0112, kind, 1, inside}})) == Orientation(expected));
      }
    }
    const std::string six = number(6, 2, big) + "\0\0"s;
    CHECK(read(exif(big, {{0x0112, 3, 1, six}, {0x0112, 3, 1, number(3, 2, big) + "\0\0"s}})) == Orientation(6));
    CHECK(read(exif(big, {{0x0112, 99, 1, six}, {0x0112, 3, 1, six}})) == Orientation(6));  // unknown types are skipped
    // More numbers than fit lie elsewhere; the first one counts.
    const std::string far = exif(big, {{0x0112, 3, 3, number(26, 4, big)}}, number(8, 2, big) + "\0\0\0\0"s);
    CHECK(read(far) == Orientation(8));
    CHECK(read(far.substr(0, far.size() - 1)) == std::nullopt);
    CHECK(read(exif(big, {{0x0112, 1, 1, "\6\0\0\0"s}})) == Orientation(1));  // bytes and texts are no numbers
    CHECK(read(exif(big, {{0x0112, 2, 1, "6\0\0\0"s}})) == Orientation(1));
    CHECK(read(exif(big, {{0x0112, 3, 0, six}})) == Orientation(1));
    CHECK(read(exif(big, {})) == std::nullopt);
  }
}

TEST_CASE("the number behind the byte order may be in the other one, as in Pillow's prefixes") {
  for (const bool big : {false, true}) {
    std::string bytes = exif(big, {{0x0112, 3, 1, number(6, 2, big) + "\0\0"s}});
    bytes.replace(6, 4, big ? "MM*\0"s : "II\0*"s);
    CHECK(read(bytes) == Orientation(6));
    bytes.replace(6, 4, big ? "MM\0-"s : "IM*\0"s);
    CHECK(read(bytes) == std::nullopt);
  }
}

TEST_CASE("EXIF that makes no sense is no EXIF") {
  const std::string good = exif(true, {{0x0112, 3, 1, "\0\6\0\0"s}});
  REQUIRE(read(good) == Orientation(6));
  CHECK(read(std::string_view(good).substr(6)) == Orientation(6));
  CHECK(read("Exif\0\0"s + good) == Orientation(6));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const Orientation found = read(std::string_view(good).substr(0, size));
    CHECK(found == (size >= good.size() - 4 ? Orientation(6) : std::nullopt));
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = good;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const Orientation found = read(flipped);
      CHECK((!found || (*found >= 1 && *found <= 8)));
    }
  }
  std::string far = good;
  far[10] = '\xFF';  // the directory's offset
  CHECK(read(far) == std::nullopt);
}

TEST_CASE("XMP names the orientation as an attribute or an element") {
  CHECK(xmp_orientation(R"(<x tiff:Orientation="6"/>)") == Orientation(6));
  CHECK(xmp_orientation("<tiff:Orientation>3</tiff:Orientation>") == Orientation(3));
  CHECK(xmp_orientation(R"(tiff:Orientation='3' tiff:Orientation="8")") == Orientation(8));
  CHECK(xmp_orientation(R"(tiff:Orientation="9")") == Orientation(1));
  for (const std::string_view text : {""sv, "tiff:Orientation"sv, "tiff:Orientation=\""sv, "tiff:Orientation>x"sv}) {
    CHECK(xmp_orientation(text) == std::nullopt);
  }
}

using Bytes = std::vector<std::byte>;

// `segments` are put before the first one that the file has.
std::uint8_t orientation(const std::vector<std::string>& segments) {
  Bytes file = test::write_jpeg(test::test_pixels(9, 7, 3), 9, 7);
  std::string bytes;
  for (const std::string& segment : segments) bytes += "\xFF\xE1" + number(segment.size() + 2, 2, true) + segment;
  const auto raw = std::as_bytes(std::span(bytes));
  file.insert(file.begin() + 2, raw.begin(), raw.end());
  JpegReader reader;
  return reader.read_header(file, kMaxPixels).orientation;
}

TEST_CASE("a JPEG's orientation is that of its segments") {
  const std::string six = exif(false, {{0x0112, 3, 1, "\6\0\0\0"s}});
  const std::string xmp = "http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"3\"/>"s;
  CHECK(orientation({}) == 1);
  CHECK(orientation({six}) == 6);
  CHECK(orientation({xmp}) == 3);
  CHECK(orientation({xmp, six}) == 6);
  CHECK(orientation({"something else", six}) == 6);
  CHECK(orientation({six.substr(0, 20), "Exif\0\0"s + six.substr(20)}) == 6);  // one EXIF in two segments
  CHECK(orientation({exif(true, {}), xmp}) == 3);
  CHECK(orientation({"Exif\0\0garbage"s}) == 1);
}

}  // namespace
}  // namespace fastbatch
