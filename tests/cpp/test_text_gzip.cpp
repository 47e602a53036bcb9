// SPDX-License-Identifier: MIT
// Text in gzip files: the blocks and positions of the plain file, and damaged files.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/gzip_file.h"
#include "source_files.h"
#include "text/files.h"

namespace fastbatch {
namespace {

std::string text_of(const std::string& path, std::uint64_t from = 0) {
  TextFormat format;
  format.block_size = 100;
  TextFiles source(std::make_shared<const std::vector<std::string>>(1, path), format, {0, from});
  std::string text;
  for (TextBlock block; source.read(block); block.clear()) {
    CHECK(block.position_of(0).byte == from + text.size());
    text.append(reinterpret_cast<const char*>(block.text.data()), block.text.size());
  }
  return text;
}

std::string words(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += "word" + std::to_string(i) + ' ';
  return text;
}

TEST_CASE("the text of a gzip file, from any position") {
  const testing::TemporaryFolder folder;
  const std::string text = words(2000);
  const std::string path = folder.write("a.txt.gz", testing::gzip(text));
  CHECK(text_of(path) == text);
  CHECK(text_of(path, 7) == text.substr(7));
  CHECK(text_of(path, 10000) == text.substr(10000));
  CHECK_THROWS_WITH_AS(text_of(path, text.size() + 1), doctest::Contains("ends before the saved position"),
                       FormatError);
  const std::string two = folder.write("b.GZ", testing::gzip(text) + testing::gzip("more") + std::string(70000, '\0'));
  CHECK(text_of(two) == text + "more");
}

TEST_CASE("reads at any offset") {
  const testing::TemporaryFolder folder;
  const OpenFile file(folder.write("a.gz", testing::gzip(words(2000))));
  GzipFile content(file);
  std::vector<std::byte> bytes(4);
  for (const std::uint64_t offset : {0U, 5000U, 6U, 1U}) {
    CHECK(content.read_at(offset, bytes) == 4);
    CHECK(static_cast<char>(bytes[0]) == words(2000)[offset]);
  }
  CHECK(content.read_at(1U << 20U, bytes) == 0);
}

TEST_CASE("damaged gzip files") {
  const testing::TemporaryFolder folder;
  const std::string packed = testing::gzip(words(2000));
  for (const std::string& broken :
       {std::string(), packed.substr(0, packed.size() / 2), packed.substr(0, packed.size() - 3), packed + "junk",
        words(3), packed.substr(0, packed.size() - 8) + std::string(8, 'x')}) {
    CHECK_THROWS_AS(text_of(folder.write("a.gz", broken)), FormatError);
  }
}

}  // namespace
}  // namespace fastbatch
