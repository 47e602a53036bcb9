// SPDX-License-Identifier: MIT
// The dense, guarded copy of an array: every layout, and a file that is cut.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/copy_elements.h"
#include "source/mapped_file.h"
#include "source/window.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using testing::TemporaryFolder;

ArrayView bytes_view(std::shared_ptr<const MappedFile> file, std::vector<std::uint64_t> shape, bool fortran_order) {
  ElementType element = parse_descr("|u1", Where{});
  ArrayView view = dense_view(element, std::move(shape), fortran_order);
  view.data = file->bytes().data();
  view.file = std::move(file);
  return view;
}

std::string copied(const ArrayView& view) {
  std::string bytes(view.n_elements() * view.itemsize, '?');
  copy_elements(view, reinterpret_cast<std::byte*>(bytes.data()));
  return bytes;
}

}  // namespace

TEST_CASE("elements are copied in C order, whatever their strides") {
  const TemporaryFolder folder;
  const auto file = std::make_shared<const MappedFile>(folder.write("letters", "abcdefghijkl"));
  CHECK(copied(bytes_view(file, {12}, false)) == "abcdefghijkl");
  CHECK(copied(bytes_view(file, {3, 4}, false)) == "abcdefghijkl");
  CHECK(copied(bytes_view(file, {3, 4}, true)) == "adgjbehkcfil");
  CHECK(copied(bytes_view(file, {}, false)) == "a");
  CHECK(copied(bytes_view(file, {3, 0}, false)).empty());
  CHECK(copied(bytes_view(file, {1, 12, 1}, true)) == "abcdefghijkl");
  CHECK(copied(windows(bytes_view(file, {5}, false), 3, 1)) == "abcbcdcde");
  CHECK(copied(windows(bytes_view(file, {12}, false), 3, 4)) == "aeibfjcgkdhl");
  CHECK(copied(every(bytes_view(file, {4, 3}, false), 1, 2, 2)) == "defjkl");
  ArrayView backwards = bytes_view(file, {12}, false);
  backwards.data += 11;
  backwards.strides = {-1};
  CHECK(copied(backwards) == "lkjihgfedcba");
}

TEST_CASE("elements of a file that was cut are an error that names it") {
  const TemporaryFolder folder;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::string path = folder.write("cut", std::string(8 * page, 'x'));
  const auto file = std::make_shared<const MappedFile>(path);
  const ArrayView view = bytes_view(file, {8, page}, true);
  CHECK(copied(view) == std::string(8 * page, 'x'));
  for (const std::size_t size : {2 * page, page / 2, std::size_t{0}}) {
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(size)) == 0);
    CHECK_THROWS_WITH_AS(copied(view), doctest::Contains("file became shorter while in use"), FormatError);
  }
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(2 * page)) == 0);
  CHECK(copied(every(bytes_view(file, {8, page}, false), 0, 2, 1)) ==
        std::string(page / 2, 'x').replace(0, page / 2, 2 * page, '\0'));
}

}  // namespace fastbatch
