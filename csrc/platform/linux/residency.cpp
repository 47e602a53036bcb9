// SPDX-License-Identifier: MIT
// Pages in memory: mincore(), which Linux answers truthfully only to the file's owner and its writers; for others,
// reads that do not wait.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "platform/mapping.h"

namespace fastbatch {
namespace {

void find_missing(const std::byte* mapping, PageRange piece, std::vector<PageRange>& missing) {
  constexpr std::uint64_t kPagesAtOnce = 2048;
  std::array<unsigned char, kPagesAtOnce> present{};
  const std::uint64_t page = page_bytes();
  for (std::uint64_t first = piece.first; first < piece.last; first += kPagesAtOnce) {
    const std::uint64_t n = std::min(kPagesAtOnce, piece.last - first);
    void* start = const_cast<std::byte*>(mapping + first * page);
    if (::mincore(start, static_cast<std::size_t>(n * page), present.data()) != 0) {
      missing.push_back({first, first + n});
      continue;
    }
    for (std::uint64_t i = 0; i < n;) {
      const bool is_present = (present[i] & 1U) != 0;
      std::uint64_t end = i + 1;
      while (end < n && ((present[end] & 1U) != 0) == is_present) ++end;
      if (!is_present) missing.push_back({first + i, first + end});
      i = end;
    }
  }
}

// Tries to read a byte without waiting. By number: musl has preadv2() only since 1.2.5. The offset is given in two
// halves, of which 64-bit kernels use the lower only.
bool is_missing(int descriptor, std::uint64_t offset) noexcept {
  std::byte probe{};
  iovec target{&probe, 1};
  return ::syscall(SYS_preadv2, descriptor, &target, 1L, static_cast<long>(offset), 0L, static_cast<long>(RWF_NOWAIT)) <
         0;
}

// Tries a byte of every 32nd page, and of the last.
void probe_missing(int descriptor, PageRange piece, std::vector<PageRange>& missing) {
  constexpr std::uint64_t kPagesPerProbe = 32;  // 128 KiB, the kernel's own readahead
  for (std::uint64_t first = piece.first; first < piece.last; first += kPagesPerProbe) {
    const std::uint64_t last = std::min(first + kPagesPerProbe, piece.last);
    if (is_missing(descriptor, first * page_bytes()) || is_missing(descriptor, (last - 1) * page_bytes())) {
      missing.push_back({first, last});
    }
  }
}

}  // namespace

// To strangers mincore() reports every page as present (since 5.2).
Residency residency_of(FileHandle file, const std::string& path) noexcept {
  struct stat status{};
  if (::fstat(static_cast<int>(file), &status) != 0) return Residency::kOfFile;
  const uid_t user = ::geteuid();
  const bool is_told = user == 0 || user == status.st_uid || ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
  return is_told ? Residency::kOfMapping : Residency::kOfFile;
}

std::vector<PageRange> missing_pages(std::span<const std::byte> mapping, PageRange pages, Residency residency,
                                     FileHandle file) {
  std::vector<PageRange> missing;
  if (residency == Residency::kOfMapping) {
    find_missing(mapping.data(), pages, missing);
  } else {
    probe_missing(static_cast<int>(file), pages, missing);
  }
  return missing;
}

}  // namespace fastbatch
