// SPDX-License-Identifier: MIT
// Pages of byte strings: their headers, levels, dictionaries and compression, damage, and what is left to the other
// reader.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "source/open_file.h"
#include "source/parquet_images.h"
#include "source/snappy.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using testing::little;

ByteStream stream_of(const std::string& bytes) {
  return {[&bytes](std::uint64_t offset, std::span<std::byte> dst) {
            const std::size_t n = std::min<std::size_t>(dst.size(), bytes.size() - static_cast<std::size_t>(offset));
            std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()) + offset, n, dst.begin());
            return n;
          },
          0, bytes.size()};
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>(value | 0x80U);
  return bytes + static_cast<char>(value);
}

// An i32 field of Thrift's compact protocol, right behind the one before.
std::string i32(int value) { return '\x15' + varint(static_cast<std::uint64_t>(value) * 2); }

std::string strings(const std::vector<std::string>& values) {
  std::string bytes;
  for (const std::string& value : values) bytes += little(value.size(), 4) + value;
  return bytes;
}

std::string header(int type, std::size_t unpacked, std::size_t packed, const std::string& inner) {
  const std::string number = type == 0 ? "\x2C" : type == 2 ? "\x4C" : "\x5C";  // field 5, 7 or 8: a struct
  return i32(type) + i32(static_cast<int>(unpacked)) + i32(static_cast<int>(packed)) + number + inner +
         std::string(2, '\0');
}

std::string data_page(int n, int encoding, const std::string& content, const std::string& packed) {
  return header(0, content.size(), packed.size(), i32(n) + i32(encoding) + i32(3) + i32(3)) + packed;
}
std::string data_page(int n, int encoding, const std::string& content) {
  return data_page(n, encoding, content, content);
}
std::string dictionary_page(const std::vector<std::string>& values) {
  const std::string content = strings(values);
  return header(2, content.size(), content.size(), i32(static_cast<int>(values.size())) + i32(0)) + content;
}

// Everything as literals.
std::string snappy(const std::string& bytes) {
  std::string packed = varint(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); i += 60) {
    const std::string part = bytes.substr(i, 60);
    packed += static_cast<char>((part.size() - 1) << 2U);
    packed += part;
  }
  return packed;
}

// The values, or "refused".
std::vector<std::string> read(const std::string& pages, std::uint64_t n, ParquetColumn column = {},
                              std::size_t room = 1000) {
  ByteStream stream = stream_of(pages);
  std::vector<std::byte> memory(room);
  std::vector<std::uint64_t> bounds;
  if (!read_byte_strings(stream, column, n, memory, bounds)) return {"refused"};
  std::vector<std::string> values;
  for (std::size_t i = 0; i < bounds.size(); i += 2) {
    values.emplace_back(reinterpret_cast<const char*>(memory.data()) + bounds[i], bounds[i + 1] - bounds[i]);
  }
  return values;
}

const std::vector<std::string> kRefused{"refused"};
const std::vector<std::string> kValues{"one", "", "three"};

std::string unsnap(const std::string& packed, std::size_t n) {
  ByteStream stream = stream_of(packed);
  std::string bytes(n, '?');
  const bool is_sound = unpack_snappy(stream, packed.size(), std::as_writable_bytes(std::span(bytes)));
  return is_sound ? bytes : "refused";
}

// Says that it was asked.
class Other : public ChunkSource {
 public:
  [[nodiscard]] Chunk load(std::uint64_t k) const override { throw DecodeError({}, "group " + std::to_string(k)); }
};

}  // namespace

TEST_CASE("Snappy's literals and copies") {
  const std::string text = "abcdefgh";
  CHECK(unsnap(snappy(text), 8) == text);
  CHECK(unsnap(snappy(std::string(200, 'x')), 200) == std::string(200, 'x'));
  CHECK(unsnap(std::string("\x0A\x04"
                           "ab"
                           "\x11\x02",
                           6),
               10) == "ababababab");  // 8 bytes from 2 before
  CHECK(unsnap(std::string("\x0A\x04"
                           "ab"
                           "\x11\x02",
                           6),
               8) == "refused");  // another size
  CHECK(unsnap(std::string("\x0A\x04"
                           "ab"
                           "\x1E\x02\x00",
                           7),
               10) == "ababababab");
  CHECK(unsnap(std::string("\x06\x04"
                           "ab"
                           "\x01\x02",
                           6),
               6) == "ababab");  // 4 bytes
  CHECK(unsnap(std::string("\x06\x04"
                           "ab"
                           "\x0F\x02\x00\x00\x00",
                           9),
               6) == "ababab");
  CHECK(unsnap(std::string("\x06\x04"
                           "ab"
                           "\x01\x03",
                           6),
               6) == "refused");  // from before the begin
  CHECK(unsnap(std::string("\x06\x04"
                           "ab"
                           "\x01\x00",
                           6),
               6) == "refused");
  CHECK(unsnap(std::string("\x02\xF0\x01"
                           "ab",
                           5),
               2) == "ab");  // the length in a byte of its own
  CHECK(unsnap(std::string("\x03\xF0\x02"
                           "ab",
                           5),
               3) == "refused");  // ends early
  CHECK(unsnap(std::string("\x02\x04"
                           "abc",
                           5),
               2) == "refused");  // more behind
  const std::string large(100'000, 'y');
  CHECK(unsnap(varint(100'000) + "\xF8" + little(99'999, 3) + large, 100'000) == large);
}

TEST_CASE("pages of byte strings") {
  CHECK(read(data_page(3, 0, strings(kValues)), 3) == kValues);
  CHECK(read(data_page(1, 0, strings({"one"})) + data_page(2, 0, strings({"", "three"})), 3) == kValues);
  const std::string content = strings(kValues);
  CHECK(read(data_page(3, 0, content, snappy(content)), 3, {ParquetCodec::kSnappy, 0}) == kValues);
  const std::string defined = little(2, 4) + "\x06\x01";  // a run of 3 times 1
  CHECK(read(data_page(3, 0, defined + content), 3, {ParquetCodec::kStored, 1}) == kValues);
  const std::string one_null = little(2, 4) + "\x03\x05";  // bits 1, 0, 1
  CHECK(read(data_page(3, 0, one_null + strings({"a", "b"})), 3, {ParquetCodec::kStored, 1}) == kRefused);
  const std::string bits = little(2, 4) + "\x03\x07";
  CHECK(read(data_page(3, 0, bits + content), 3, {ParquetCodec::kStored, 1}) == kValues);
}

TEST_CASE("pages with a dictionary") {
  const std::string words = dictionary_page({"three", "one", ""});
  CHECK(read(words + data_page(3, 8, std::string("\x02\x03\x09\x00", 4)), 3) == kValues);  // 2 bits each: 1, 2, 0
  CHECK(read(words + data_page(2, 2, std::string("\x02\x04\x01", 3)), 2) == std::vector<std::string>{"one", "one"});
  CHECK(read(words + data_page(1, 8, std::string("\x02\x02\x03", 3)), 1) == kRefused);  // no such word
  CHECK(read(data_page(1, 8, std::string("\x02\x02\x01", 3)), 1) == kRefused);          // no dictionary
  CHECK(read(words + words + data_page(1, 8, std::string("\x02\x02\x01", 3)), 1) == kRefused);
  CHECK(read(words + data_page(1, 8, std::string("\x21\x02\x01", 3)), 1) == kRefused);  // 33 bits
  const std::string mixed =
      words + data_page(1, 8, std::string("\x02\x02\x01", 3)) + data_page(2, 0, strings({"", "three"}));
  CHECK(read(mixed, 3) == kValues);
}

TEST_CASE("pages of version 2") {
  const std::string content = strings(kValues);
  const auto page = [](const std::string& levels, const std::string& plain, const std::string& packed,
                       const std::string& end) {
    const std::string inner = i32(3) + i32(0) + i32(3) + i32(0) + i32(static_cast<int>(levels.size())) + i32(0) + end;
    return header(3, levels.size() + plain.size(), levels.size() + packed.size(), inner) + levels + packed;
  };
  const ParquetColumn column{ParquetCodec::kSnappy, 1};
  CHECK(read(page("\x06\x01", content, snappy(content), ""), 3, column) == kValues);
  CHECK(read(page("\x06\x01", content, snappy(content), "\x11"), 3, column) == kValues);
  CHECK(read(page("\x06\x01", content, content, "\x12"), 3, column) == kValues);  // not packed
  CHECK(read(page("\x06\x01", content, content, ""), 3, {ParquetCodec::kStored, 1}) == kValues);
  CHECK(read(page("\x03\x05", strings({"a", "b"}), strings({"a", "b"}), ""), 3, {ParquetCodec::kStored, 1}) ==
        kRefused);
}

TEST_CASE("damaged pages are refused") {
  const std::string words = dictionary_page({"three", "one", ""});
  const std::string pages = words + data_page(3, 8, std::string("\x02\x03\x09\x00", 4));
  for (std::size_t n = 0; n + 1 < pages.size(); ++n) CHECK(read(pages.substr(0, n), 3) == kRefused);
  CHECK(read(pages, 3, {}, 10) == kRefused);  // no room
  CHECK(read(pages, 2) == kRefused);          // more values than rows
  CHECK(read(pages, 4) == kRefused);          // fewer
  CHECK(read(data_page(2, 0, little(9, 4) + "abc"), 2) == kRefused);
  CHECK(read(data_page(3, 5, strings(kValues)), 3) == kRefused);  // another encoding
  CHECK(read(i32(0) + "\x08", 3) == kRefused);
  const std::string largest = varint(~std::uint64_t{1});              // of 64 bits
  CHECK(read('\x05' + largest + varint(0) + i32(0), 3) == kRefused);  // as the number of a field
  CHECK(read('\x15' + largest + i32(9) + i32(9) + "\x2C" + i32(3) + std::string(20, '\0'), 3) ==
        kRefused);  // of a page
  for (std::size_t at = 0; at < pages.size(); ++at) {
    for (const char flip : {'\x01', '\x10', '\x7F', '\x80'}) {
      std::string broken = pages;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      const auto values = read(broken, 3);
      CHECK((values == kRefused || values.size() == 3));
    }
  }
}

TEST_CASE("row groups of images, and the other source") {
  const testing::TemporaryFolder folder;
  const std::string pages = data_page(3, 0, strings(kValues));
  const std::string path = folder.write("a.parquet", "PAR1" + pages);
  const FileStatus status = OpenFile(path).status();
  const auto images = [&](std::uint64_t begin, std::uint64_t unpacked, std::uint64_t most, FileStatus known) {
    const ParquetImages::Pages column{begin, pages.size(), unpacked, {}};
    return ParquetImages(std::make_shared<Other>(), {{path, known}}, {{0, 3, {column, column}}}, most);
  };
  const ParquetImages source = images(4, pages.size(), 1000, status);
  for (int i = 0; i < 3; ++i) {  // the second time in used memory
    const Chunk chunk = source.load(0);
    REQUIRE(chunk.fields.size() == 4);
    CHECK(chunk.fields[2].shape == std::vector<std::uint64_t>{6});
    const auto* const bounds = reinterpret_cast<const std::uint64_t*>(chunk.fields[2].data);
    const auto* const text = reinterpret_cast<const char*>(chunk.fields[3].data);
    CHECK(std::string(text + bounds[4], text + bounds[5]) == "three");
    CHECK(chunk.bytes >= 2 * pages.size());
  }
  CHECK_THROWS_WITH_AS(static_cast<void>(source.load(1)), "group 1", DecodeError);
  FileStatus other = status;
  ++other.modified.second;
  CHECK_THROWS_AS(static_cast<void>(images(4, pages.size(), 1000, other).load(0)), DecodeError);
  CHECK_THROWS_AS(static_cast<void>(images(5, pages.size(), 1000, status).load(0)), DecodeError);  // ends outside
  CHECK_THROWS_AS(static_cast<void>(images(4, 5, 1000, status).load(0)), DecodeError);
  CHECK_THROWS_AS(static_cast<void>(images(4, UINT64_MAX, 1000, status).load(0)), DecodeError);
  CHECK_THROWS_AS(static_cast<void>(images(UINT64_MAX, 5, 1000, status).load(0)), DecodeError);
  CHECK_THROWS_AS(ParquetImages(std::make_shared<Other>(), {}, {{0, 3, {}}}, 10), std::invalid_argument);
}

}  // namespace fastbatch
