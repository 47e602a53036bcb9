// SPDX-License-Identifier: MIT
// Readahead asks for the pages that are not in memory, which mincore() tells.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "mapped_pages.h"
#include "posix/child.h"
#include "temporary_folder.h"

namespace fastbatch {

using namespace testing;

TEST_CASE("advice counts the bytes that are not in memory, each page once") {
  const TemporaryFolder folder;
  const std::size_t n_pages = 1024;
  const auto path = folder.write("a", std::string(n_pages * kPage, 'x'));
  const MappedFile file(path);
  file.set_access(Access::kRandom);
  const int descriptor = ::open(path.c_str(), O_RDWR);
  ::fsync(descriptor);
  auto drop = [&] { ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED); };
  auto missing = [&](std::size_t first, std::size_t last) {
    std::vector<unsigned char> present(last - first);
    ::mincore(const_cast<std::byte*>(file.bytes().data()) + first * kPage, (last - first) * kPage, present.data());
    std::size_t n = 0;
    for (const unsigned char page : present) n += (page & 1U) == 0 ? 1U : 0U;
    return n * kPage;
  };
  drop();
  if (missing(0, n_pages) == 0) MESSAGE("this file system keeps everything in memory");
  // Pages 0-2 (twice), 10, 11-12 touching, the last, and ranges past the end.
  const std::vector<ByteRange> ranges = {{11 * kPage, 2 * kPage}, {1, 2 * kPage}, {kPage, 5},
                                         {10 * kPage, kPage},     {50, 0},        {~0ULL, 5},
                                         {1023 * kPage, ~0ULL}};
  const std::size_t expected = missing(0, 3) + missing(10, 13) + missing(1023, 1024);
  CHECK(file.advise_will_need(ranges) == expected);
  read_all(file);
  CHECK(file.advise_will_need(ranges) == 0);
  const std::vector<ByteRange> all = {{0, file.size()}};
  CHECK(file.advise_will_need(all) == 0);
  drop();
  const std::size_t all_missing = missing(0, n_pages);
  CHECK(file.advise_will_need(all) == all_missing);

  // Of files that are not one's own the kernel does not tell; they are probed.
  if (::geteuid() == 0 && all_missing > 0) {
    REQUIRE(::chmod((folder / "").c_str(), 0755) == 0);
    auto by_stranger = [&](bool expect_missing) {
      return deadly_signal([&] {
        if (::setuid(65534) != 0) ::raise(SIGKILL);
        const MappedFile theirs(path);
        if ((theirs.advise_will_need(all) > 0) != expect_missing) ::raise(SIGKILL);
      });
    };
    read_all(file);
    CHECK(by_stranger(false) == 0);
    drop();
    CHECK(by_stranger(true) == 0);
  }
  ::close(descriptor);
}

}  // namespace fastbatch
