// SPDX-License-Identifier: MIT
// Members of tar archives, and samples that are ranges of files. The headers themselves are tested in
// tests/test_tar.py.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/file_ranges.h"
#include "source/tar.h"
#include "source_files.h"

namespace fastbatch {
namespace {

std::string member(const std::string& name, const std::string& content) {
  std::string block(512, '\0');
  name.copy(block.data(), block.size());
  char field[16];
  std::snprintf(field, sizeof field, "%011zo", content.size());
  block.replace(124, 11, field);
  block.replace(148, 8, "        ");
  block[156] = '0';
  unsigned sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  std::snprintf(field, sizeof field, "%06o", sum);
  block.replace(148, 7, std::string(field, 7));
  return block + content + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string read(const SampleSource& source, std::uint64_t i) {
  ReadBuffer buffer;
  const auto bytes = source.read(i, buffer);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_CASE("members of a tar archive, and their bytes") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("a.tar", member("a.txt", "abc") + member("b.txt", std::string(700, 'b')) +
                                                     member("c.txt", "") + std::string(1024, '\0'));
  const TarMembers members = read_tar(path);
  CHECK(members.offsets == std::vector<std::uint64_t>{512, 1536, 3072});
  CHECK(members.sizes == std::vector<std::uint64_t>{3, 700, 0});
  CHECK(members.names[1] == "b.txt");

  std::vector<FileRanges::Range> ranges;
  for (std::size_t i = 0; i < 3; ++i) ranges.push_back({members.offsets[i], members.sizes[i], 0});
  const FileRanges source({{path, *status_of(path)}}, ranges, members.names);
  CHECK(source.size() == 3);
  CHECK(read(source, 0) == "abc");
  CHECK(read(source, 1) == std::string(700, 'b'));
  CHECK(read(source, 2).empty());
  CHECK(source.name(0) == path + ": a.txt");
  ReadBuffer buffer;
  CHECK(source.read_head(1, 2, buffer).size() == 2);

  folder.write("a.tar", "short");
  CHECK_THROWS_WITH_AS(read(source, 0), doctest::Contains("file changed while in use"), FormatError);
}

TEST_CASE("ranges that do not fit are refused") {
  Names names;
  names.add("a");
  CHECK_THROWS_AS(FileRanges({}, {{0, 1, 0}}, names), std::invalid_argument);
  CHECK_THROWS_AS(FileRanges({{"a.tar", {}}}, {}, names), std::invalid_argument);
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("a.tar", "abc");
  const FileRanges beyond({{path, *status_of(path)}}, {{1, 3, 0}}, names);
  CHECK_THROWS_WITH_AS(read(beyond, 0), doctest::Contains("expected 3 bytes, found 2"), FormatError);
  const FileRanges large({{path, *status_of(path)}}, {{0, kMaxSampleBytes + 1, 0}}, names);
  CHECK_THROWS_AS(read(large, 0), FileError);
}

TEST_CASE("an archive without its end") {
  const testing::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(read_tar(folder.write("a.tar", member("a.txt", "abc"))),
                       doctest::Contains("expected a block of zeros at its end"), FormatError);
}

TEST_CASE("size, time and place of an archive are compared, each by itself") {
  const testing::TemporaryFolder folder;
  const std::string content = member("a.txt", "abc") + std::string(1024, '\0');
  const std::string path = folder.write("a.tar", content);
  const auto before = std::chrono::floor<std::chrono::seconds>(std::filesystem::last_write_time(path));
  // Windows counts hundreds of nanoseconds, of which the C library of GCC there sets whole seconds only.
  std::filesystem::last_write_time(path, before + std::chrono::nanoseconds(100));
  const bool keeps_fractions = std::filesystem::last_write_time(path) != before;
  const std::chrono::nanoseconds step = keeps_fractions ? std::chrono::nanoseconds(100) : std::chrono::seconds(1);
  std::filesystem::last_write_time(path, before);
  const FileRanges source({{path, *status_of(path)}}, {{512, 3, 0}}, read_tar(path).names);
  CHECK(read(source, 0) == "abc");
  const auto is_refused = [&] {
    CHECK_THROWS_WITH_AS(read(source, 0), doctest::Contains("file changed while in use"), FormatError);
  };

  std::filesystem::last_write_time(path, before + step);
  is_refused();
  std::filesystem::last_write_time(path, before);
  CHECK(read(source, 0) == "abc");

  folder.write("a.tar", content + "x");
  std::filesystem::last_write_time(path, before);
  is_refused();
  folder.write("a.tar", content);
  std::filesystem::last_write_time(path, before);
  CHECK(read(source, 0) == "abc");

  const std::string other = folder.write("b.tar", content);
  std::filesystem::last_write_time(other, before);
  std::filesystem::rename(other, path);
  is_refused();
}

}  // namespace
}  // namespace fastbatch
