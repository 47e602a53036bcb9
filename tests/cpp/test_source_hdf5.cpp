// SPDX-License-Identifier: MIT
// HDF5's filters and chunks without the library: damaged data first. For real files see tests/test_hdf5_chunks.py.
#include <doctest/doctest.h>

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/hdf5_chunks.h"
#include "source/hdf5_filters.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text) {
  Bytes bytes;
  for (const char byte : text) bytes.push_back(static_cast<std::byte>(byte));
  return bytes;
}

std::string text_of(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Bytes packed(const std::string& text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  Bytes out(size);
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
           static_cast<uLong>(text.size()));
  out.resize(size);
  return out;
}

std::string undone(const std::vector<Hdf5Filter>& filters, Bytes chunk, std::size_t n_bytes, std::size_t itemsize = 4,
                   std::uint32_t mask = 0) {
  Bytes scratch;
  undo_filters(filters, mask, itemsize, n_bytes, chunk, scratch);
  return text_of(chunk);
}

std::string with_sum(const std::string& text) {
  const std::uint32_t sum = fletcher32(bytes_of(text));
  std::string out = text;
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<char>(sum >> (8 * i) & 0xFFU));
  return out;
}

constexpr auto kDeflate = Hdf5Filter::kDeflate;
constexpr auto kShuffle = Hdf5Filter::kShuffle;
constexpr auto kFletcher32 = Hdf5Filter::kFletcher32;
constexpr auto kLzf = Hdf5Filter::kLzf;

}  // namespace

TEST_CASE("damaged chunks are errors of the data") {
  const Bytes good = packed(std::string(100, 'a'));
  CHECK_THROWS_WITH_AS(undone({kDeflate}, bytes_of("no zlib data"), 12),
                       "damaged chunk: expected zlib data, found 12 bytes of others", DecodeError);
  CHECK_THROWS_WITH_AS(undone({kDeflate}, good, 99), "chunk of another size: expected 99 bytes, found more",
                       DecodeError);
  CHECK_THROWS_WITH_AS(undone({kDeflate}, good, 101), "chunk of another size: expected 101 bytes, found 100",
                       DecodeError);
  CHECK_THROWS_AS(undone({kDeflate}, {}, 10), DecodeError);
  CHECK_THROWS_AS(undone({}, bytes_of("abc"), 4), DecodeError);
  CHECK_THROWS_AS(undone({kFletcher32}, bytes_of("abc"), 4), DecodeError);
  std::string summed = with_sum("12345678");
  summed[2] = 'x';
  CHECK_THROWS_AS(undone({kFletcher32}, bytes_of(summed), 8), DecodeError);
  for (const std::string& bad : {std::string("\x05"
                                             "ab"),
                                 std::string("\x20"), std::string("\xE0\x01"), std::string("\x20\x05", 2),
                                 std::string("\x00z\xE0\xFF\x00", 5)}) {
    CAPTURE(bad.size());
    CHECK_THROWS_AS(undone({kLzf}, bytes_of(bad), 8), DecodeError);
  }
  CHECK_THROWS_AS(undone({kDeflate, kLzf}, good, 100), std::invalid_argument);
  CHECK_THROWS_AS(undone({kShuffle}, good, good.size(), 0), std::invalid_argument);
}

TEST_CASE("filters are undone from the last to the first") {
  const std::string plain = "0123abcdABCD";
  std::string shuffled = "0aA1bB2cC3dD";
  CHECK(undone({kDeflate}, packed(plain), 12) == plain);
  CHECK(undone({kShuffle}, bytes_of(shuffled), 12) == plain);
  CHECK(undone({kShuffle, kDeflate}, packed(shuffled), 12) == plain);
  CHECK(undone({kShuffle, kDeflate, kFletcher32}, bytes_of(with_sum(text_of(packed(shuffled)))), 12) == plain);
  CHECK(undone({kFletcher32, kDeflate}, packed(with_sum(plain)), 12) == plain);
  CHECK(undone({kShuffle, kDeflate}, packed(plain), 12, 4, 0b01) == plain);       // the shuffle was left out
  CHECK(undone({kShuffle, kDeflate}, bytes_of(shuffled), 12, 4, 0b10) == plain);  // not compressed
  CHECK(undone({kShuffle, kDeflate}, packed(plain), 12, 1) == plain);
  for (const std::size_t itemsize : {2U, 3U, 8U}) {
    std::string text;
    for (int i = 0; i < 24; ++i) text.push_back(static_cast<char>('a' + i));
    std::string mixed;
    for (std::size_t b = 0; b < itemsize; ++b) {
      for (std::size_t i = 0; i < 24 / itemsize; ++i) mixed.push_back(text[i * itemsize + b]);
    }
    CHECK(undone({kShuffle}, bytes_of(mixed + "!"), 25, itemsize) == text + "!");
  }
  const std::string lzf(
      "\x02"
      "abc\x20\x02\xE0\x03\x00",
      9);  // "abc", 3 from 3 before, 12 from 1 before
  CHECK(undone({kLzf}, bytes_of(lzf), 18) == "abcabc" + std::string(12, 'c'));
}

TEST_CASE("the checksum is HDF5's") {
  CHECK(fletcher32(bytes_of("")) == 0);
  CHECK(fletcher32(bytes_of("ab")) == 0x61626162U);
  CHECK(fletcher32(bytes_of("abc")) == 0x25C5C462U);
  Bytes ones(2000, std::byte{0xFF});
  CHECK(fletcher32(ones) == 0xFFFFFFFFU);
}

namespace {

// A data set of 5 x 3 bytes, "abcdefghijklmno", in chunks of 2 x 2; the third one was never written.
struct Grid {
  testing::TemporaryFolder folder;
  std::string path = folder.write("a.h5", "..abde..ccff.....mn..oo..");
  Hdf5Chunks::Layout layout{
      .element = parse_descr("|u1", {}),
      .shape = {5, 3},
      .tile = {2, 2},
      .filters = {},
      .fill = {std::byte{'-'}},
      .tiles = {{2, 4, 0}, {8, 4, 0}, {Hdf5Chunks::kNone, 0, 0}, {8, 4, 0}, {17, 4, 0}, {21, 4, 0}},
      .most_bytes = 1000,
  };
  [[nodiscard]] FileStatus status() const { return OpenFile(path).status(); }
  [[nodiscard]] static std::string rows(const Chunk& chunk) {
    return {reinterpret_cast<const char*>(chunk.fields[0].data), chunk.fields[0].shape[0] * 3};
  }
};

}  // namespace

TEST_CASE("tiles are put side by side, and cut at the edges") {
  const Grid grid;
  const Hdf5Chunks chunks(grid.path, grid.status(), grid.layout);
  CHECK(grid.rows(chunks.load(0)) == "abcdef");
  CHECK(grid.rows(chunks.load(1)) == "--c--f");
  CHECK(grid.rows(chunks.load(2)) == "mno");
}

TEST_CASE("layouts that contradict the file or themselves") {
  Grid grid;
  const auto open = [&] { return Hdf5Chunks(grid.path, grid.status(), grid.layout).load(2); };
  grid.layout.most_bytes = 5;
  CHECK_THROWS_WITH_AS(open(),
                       (grid.path + ": rows that are stored together: expected at most 5 bytes of memory for "
                                    "them, found 6")
                           .c_str(),
                       FormatError);
  grid.layout.most_bytes = 1000;
  grid.layout.tiles[4] = {20, 100, 0};
  CHECK_THROWS_AS(open(), FormatError);
  grid.layout.tiles[4] = {UINT64_MAX - 1, 4, 0};
  CHECK_THROWS_AS(open(), FormatError);
  grid.layout.tiles[4] = {17, 3, 0};
  CHECK_THROWS_AS(open(), DecodeError);
  for (const auto& shape : std::vector<std::vector<std::uint64_t>>{{5}, {}, {0, 3}, {7, 3}, {UINT64_MAX, UINT64_MAX}}) {
    grid.layout.shape = shape;
    CHECK_THROWS_AS(open(), FormatError);
  }
  grid.layout.shape = {5, 3};
  grid.layout.tile = {0, 2};
  CHECK_THROWS_AS(open(), FormatError);
  grid.layout.tile = {std::uint64_t{1} << 40U, std::uint64_t{1} << 40U};
  grid.layout.tiles.resize(1);
  CHECK_THROWS_AS(open(), FormatError);
}

TEST_CASE("a file that changes while it is in use") {
  const Grid grid;
  const FileStatus before = grid.status();
  const Hdf5Chunks chunks(grid.path, before, grid.layout);
  CHECK(grid.rows(chunks.load(0)) == "abcdef");
  std::filesystem::resize_file(grid.path, 10);
  CHECK_THROWS_WITH_AS(static_cast<void>(chunks.load(0)), (grid.path + ": file changed while in use").c_str(),
                       FormatError);
  CHECK_THROWS_AS(Hdf5Chunks(grid.path, before, grid.layout), FormatError);
}

}  // namespace fastbatch
