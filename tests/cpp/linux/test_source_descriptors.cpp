// SPDX-License-Identifier: MIT
// Many mapped files at once: descriptors are kept of a few, and the others are found again by their paths.
#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "common/error.h"
#include "source/guarded_read.h"
#include "source/mapped_file.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using testing::TemporaryFolder;

const auto kPage = static_cast<std::size_t>(page_bytes());

std::size_t n_descriptors() {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
  return n;
}

std::vector<std::unique_ptr<MappedFile>> mapped(const TemporaryFolder& folder, std::size_t n, std::size_t size) {
  std::vector<std::unique_ptr<MappedFile>> files;
  for (std::size_t i = 0; i < n; ++i)
    files.push_back(std::make_unique<MappedFile>(
        folder.write("f" + std::to_string(i), std::string(size, static_cast<char>('a' + i % 26)))));
  return files;
}

void cut(const std::string& path, std::size_t size) { std::filesystem::resize_file(path, size); }

}  // namespace

TEST_CASE("a thousand mapped files leave descriptors for others") {
  const TemporaryFolder folder;
  const std::size_t before = n_descriptors();
  {
    const auto files = mapped(folder, 1000, 3 * kPage);
    CHECK(n_descriptors() <= before + 64);
    for (std::size_t i : {std::size_t{0}, std::size_t{63}, std::size_t{64}, std::size_t{999}}) {
      CHECK(files[i]->copy(kPage, 1)[0] == static_cast<std::byte>('a' + i % 26));
      CHECK(files[i]->advise_will_need(std::vector<ByteRange>{{0, kPage}}) % kPage == 0);
      for (const std::size_t size : {3 * kPage - 1, kPage, std::size_t{0}}) {
        cut(files[i]->path(), size);
        CHECK_THROWS_WITH_AS(files[i]->require(3 * kPage), doctest::Contains("file became shorter"), FormatError);
        CHECK_THROWS_WITH_AS(static_cast<void>(files[i]->copy(0, 3 * kPage)), doctest::Contains("file became shorter"),
                             FormatError);
      }
    }
  }
  CHECK(n_descriptors() == before);
}

TEST_CASE("a file that was replaced or deleted is not mistaken for the one at its path") {
  const TemporaryFolder folder;
  const auto first = mapped(folder, 64, kPage);  // these keep their descriptors
  const std::string path = folder.write("data", std::string(4 * kPage, 'x'));
  const MappedFile file(path);
  std::filesystem::create_hard_link(path, folder / "other");
  const std::string shorter = folder.write("shorter", "y");
  std::filesystem::rename(shorter, path);
  file.require(4 * kPage);
  CHECK(!file.status_now());
  CHECK(file.copy(0, 4 * kPage) == std::vector<std::byte>(4 * kPage, std::byte{'x'}));
  std::filesystem::remove(path);
  CHECK(file.copy(3 * kPage, kPage) == std::vector<std::byte>(kPage, std::byte{'x'}));
  CHECK(file.advise_will_need(std::vector<ByteRange>{{0, 4 * kPage}}) % kPage == 0);
  cut(folder / "other", kPage);  // pages that are gone are noticed all the same
  CHECK_THROWS_WITH_AS(static_cast<void>(file.copy(0, 4 * kPage)), doctest::Contains("another file in its place"),
                       FormatError);
  CHECK(file.copy(0, kPage) == std::vector<std::byte>(kPage, std::byte{'x'}));
}

TEST_CASE("a relative path is found again from another folder") {
  const TemporaryFolder folder;
  const auto first = mapped(folder, 64, kPage);
  const std::string path = folder.write("data", std::string(2 * kPage, 'x'));
  const auto home = std::filesystem::current_path();
  std::filesystem::current_path(folder / "");
  const MappedFile file("data");
  std::filesystem::current_path(home);
  CHECK(file.status_now());
  CHECK(file.path() == "data");
  cut(path, kPage + 1);
  CHECK_THROWS_WITH_AS(static_cast<void>(file.copy(0, 2 * kPage)), doctest::Contains("file became shorter"),
                       FormatError);
}

}  // namespace fastbatch
