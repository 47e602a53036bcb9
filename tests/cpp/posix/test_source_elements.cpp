// SPDX-License-Identifier: MIT
// The dense, guarded copy of an array of a file that is cut.
#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bytes_view.h"
#include "common/error.h"
#include "source/copy_elements.h"
#include "source/mapped_file.h"
#include "source/window.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using testing::bytes_view;
using testing::copied;
using testing::TemporaryFolder;

}  // namespace

TEST_CASE("elements of a file that was cut are an error that names it") {
  const TemporaryFolder folder;
  const auto page = static_cast<std::size_t>(page_bytes());
  const std::string path = folder.write("cut", std::string(8 * page, 'x'));
  const auto file = std::make_shared<const MappedFile>(path);
  const ArrayView view = bytes_view(file, {8, page}, true);
  CHECK(copied(view) == std::string(8 * page, 'x'));
  for (const std::size_t size : {2 * page, page / 2, std::size_t{0}}) {
    std::filesystem::resize_file(path, size);
    CHECK_THROWS_WITH_AS(copied(view), doctest::Contains("file became shorter while in use"), FormatError);
  }
  std::filesystem::resize_file(path, 2 * page);
  CHECK(copied(every(bytes_view(file, {8, page}, false), 0, 2, 1)) ==
        std::string(page / 2, 'x').replace(0, page / 2, 2 * page, '\0'));
}

}  // namespace fastbatch
