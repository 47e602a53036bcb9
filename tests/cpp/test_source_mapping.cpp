// SPDX-License-Identifier: MIT
// Files as the system gives them: mapped, read into a buffer. What only POSIX can do to them: posix/, linux/.
#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "mapped_pages.h"
#include "source/file_list.h"
#include "temporary_folder.h"

namespace fastbatch {

using namespace testing;

TEST_CASE("a whole file is mapped, an empty one too") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("a b \u00fc", "hello"));
  CHECK(file.size() == 5);
  CHECK(std::memcmp(file.bytes().data(), "hello", 5) == 0);
  const auto part = file.copy(1, 3);
  CHECK(std::memcmp(part.data(), "ell", 3) == 0);
  CHECK(complaint([&] { (void)file.copy(3, 3); }) ==
        file.path() + ": byte 3: file ends early: expected 3 bytes, found 2");
  CHECK(complaint([&] { (void)file.copy(~0ULL, 3); }).ends_with("expected 3 bytes, found 0"));
  const MappedFile empty(folder.write("empty", ""));
  CHECK(empty.bytes().empty());
  CHECK_NOTHROW(read_all(empty));
  empty.set_access(Access::kRandom);
  CHECK(empty.advise_will_need(std::vector<ByteRange>{{0, 10}}) == 0);
}

TEST_CASE("paths lie in one arena and come back as they were") {
  FileList list;
  list.reserve(4, 20);
  const std::vector<std::string> paths = {"a b.jpg", "", "new\nline\xff.jpg", std::string("z\0z", 3)};
  for (const std::string& path : paths) list.add(path);
  REQUIRE(list.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(list[i] == paths[i]);
  CHECK(list.memory_bytes() >= 20 + 4 * 8);
}

TEST_CASE("small files are read into one buffer, which lets a giant's memory go") {
  const TemporaryFolder folder;
  ReadBuffer buffer;
  const auto small = folder.write("small", "hello");
  const auto giant = folder.write("giant", std::string(std::size_t{8} << 20, 'x'));
  const auto bytes = read_file(small, buffer, 100);
  REQUIRE(bytes.size() == 5);
  CHECK(std::memcmp(bytes.data(), "hello", 5) == 0);
  CHECK(read_file(folder.write("empty", ""), buffer, 100).empty());
  CHECK(error_code([&] { read_file(giant, buffer, 100); }) == EFBIG);
  CHECK(buffer.capacity() < (std::size_t{1} << 20));
  CHECK(read_file(giant, buffer, ~0ULL).size() == std::size_t{8} << 20);
  CHECK(buffer.capacity() >= std::size_t{8} << 20);
  for (int i = 0; i < 64; ++i) CHECK(read_file(small, buffer, 100).size() == 5);
  CHECK(buffer.capacity() < (std::size_t{1} << 20));
  CHECK(error_code([&] { read_file(folder / "missing", buffer, 100); }) == ENOENT);
  CHECK(read_file(small, buffer, 100).size() == 5);
}

}  // namespace fastbatch
