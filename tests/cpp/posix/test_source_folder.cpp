// SPDX-License-Identifier: MIT
// Listing a folder: kinds, extensions, order, and what cannot be listed.
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/folder.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

TEST_CASE("a folder's files, folders and links") {
  const testing::TemporaryFolder folder;
  const fs::path root = folder / "";
  for (const char* name : {"b.jpg", "a.JPEG", "\xFF.png", "c.txt", "jpg", ".hidden.jpg", "dot.", "x.jpg.gz", "z.PnG"}) {
    folder.write(name, "x");
  }
  for (const char* name : {"one", "two.jpg", ".git"}) fs::create_directory(root / name);
  fs::create_symlink("one", root / "to one");
  fs::create_symlink("nowhere", root / "dangling.txt");
  fs::create_symlink("b.jpg", root / "link.jpg");

  const FolderContent content = list_folder(root.string(), {"jpg", "jpeg", "png"});
  CHECK(content.files == Names{"a.JPEG", "b.jpg", "link.jpg", "z.PnG", "\xFF.png"});
  CHECK(content.folders == Names{"one", "two.jpg"});
  CHECK(content.links == Names{"dangling.txt", "to one"});
  CHECK(list_folder((root / "one").string(), {"jpg"}).files.empty());

  const auto code_of = [](const fs::path& path) {
    try {
      static_cast<void>(list_folder(path.string(), {"jpg"}));
    } catch (const FileError& error) {
      CHECK(error.where().path == path.string());
      return error.code();
    }
    return 0;
  };
  CHECK(code_of(root / "missing") == ENOENT);
  CHECK(code_of(root / "b.jpg") == ENOTDIR);
}

}  // namespace
}  // namespace fastbatch
