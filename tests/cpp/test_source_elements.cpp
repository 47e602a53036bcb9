// SPDX-License-Identifier: MIT
// The dense, guarded copy of an array: every layout.
#include <doctest/doctest.h>

#include <cstring>
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

}  // namespace fastbatch
