// SPDX-License-Identifier: MIT
// What every system must do alike: files, folders, mappings, memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "mapped_pages.h"
#include "platform/file.h"
#include "platform/folder.h"
#include "platform/fork.h"
#include "platform/machine.h"
#include "platform/mapping.h"
#include "platform/memory.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using namespace testing;

int code_of_opening(const std::string& path) {
  FileStatus status;
  return error_code([&] { close_file(open_file(path, status)); });
}

int code_of_listing(const std::string& path) {
  return error_code([&] { static_cast<void>(folder_entries(path)); });
}

}  // namespace

TEST_CASE("what cannot be opened or listed says why") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "x");
  CHECK(code_of_opening(folder / "missing") == ENOENT);
  CHECK(code_of_opening(folder / "missing/file") == ENOENT);
  CHECK(code_of_opening(folder / "") == EISDIR);
  CHECK(code_of_opening(file + std::string("\0x", 2)) == EINVAL);
  CHECK(code_of_opening("") == ENOENT);
  CHECK(code_of_listing(folder / "missing") == ENOENT);
  CHECK(code_of_listing(file) == ENOTDIR);
  CHECK(code_of_listing("") == ENOENT);
}

TEST_CASE("an open file tells its size, its identity, and its bytes at any offset") {
  const TemporaryFolder folder;
  const std::string path = folder.write("gr\u00fc\u00dfe", "hello");
  const std::string other = folder.write("other", "hello");
  FileStatus status;
  const FileHandle file = open_file(path, status);
  CHECK(status.size == 5);
  CHECK(status.modified.first > 1'500'000'000);
  CHECK(status_of(path).value().is_same_file(status));
  CHECK(status_of(path).value().modified == status.modified);
  CHECK_FALSE(status_of(other).value().is_same_file(status));
  CHECK_FALSE(status_of(folder / "missing"));
  std::array<std::byte, 8> bytes{};
  CHECK(read_once(file, 1, bytes, path) == 4);
  CHECK(std::memcmp(bytes.data(), "ello", 4) == 0);
  CHECK(read_once(file, 5, bytes, path) == 0);
  CHECK(read_once(file, std::uint64_t{1} << 40, bytes, path) == 0);
  advise_sequential(file);
  // Others may rename, replace and append meanwhile.
  std::filesystem::rename(other, folder / "renamed");
  folder.write("gr\u00fc\u00dfe", "hello, again");
  CHECK(status_of(file, path).size == 12);
  close_file(file);
  CHECK(absolute_path(path) == path);
  CHECK(absolute_path("x").ends_with("x"));
  CHECK(absolute_path("x").size() > 2);
}

TEST_CASE("a folder is listed with the kinds of its entries") {
  const TemporaryFolder folder;
  folder.write("b", "x");
  folder.write("\u00fc.jpg", "x");
  folder.write(".hidden", "x");
  std::filesystem::create_directory(folder / "a");
  std::vector<FolderEntry> entries = folder_entries(folder / "");
  std::ranges::sort(entries, {}, &FolderEntry::name);
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].name == "a");
  CHECK(entries[0].kind == EntryKind::kFolder);
  CHECK(entries[1].name == "b");
  CHECK(entries[1].kind == EntryKind::kFile);
  CHECK(entries[2].name == "\u00fc.jpg");
  CHECK(folder_entries(folder / "a").empty());
}

TEST_CASE("a mapping is read, advised and asked for its pages") {
  const TemporaryFolder folder;
  const std::string path = folder.write("pages", std::string(64 * kPage + 1, 'x'));
  FileStatus status;
  const FileHandle file = open_file(path, status);
  const auto mapping = map_file(file, status.size, path);
  REQUIRE(mapping.size() == 64 * kPage + 1);
  CHECK(mapping.back() == std::byte{'x'});
  for (const Access access : {Access::kRandom, Access::kSequential, Access::kNormal}) advise_access(mapping, access);
  const PageRange all{0, 65};
  advise_will_need(mapping, all);
  CHECK(run_guarded(
      mapping, [](void* bytes) { read_pages(*static_cast<std::span<const std::byte>*>(bytes)); },
      const_cast<void*>(static_cast<const void*>(&mapping))));
  for (const Residency residency : {residency_of(file, path), Residency::kOfFile}) {
    std::uint64_t last = 0;
    for (const PageRange& range : missing_pages(mapping, all, residency, file)) {
      CHECK(range.first >= last);
      CHECK(range.last > range.first);
      last = range.last;
    }
    CHECK(last <= 65);
  }
  unmap_file(mapping);
  close_file(file);
}

TEST_CASE("memory is aligned and writable to its end") {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{9} << 20}) {
    std::byte* memory = allocate_pages(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
    if (bytes > 0) memory[bytes - 1] = std::byte{1};
    free_pages(memory);
  }
}

TEST_CASE("the machine has a CPU, memory and a page size") {
  CHECK(available_cpus() >= 1);
  CHECK(available_memory() > (std::uint64_t{1} << 20));
  CHECK(page_bytes() % 4096 == 0);
  CHECK(count_forks() == 0);
}

}  // namespace fastbatch
