// SPDX-License-Identifier: MIT
// MappedFile's readahead: advice to the kernel, and queries of the resident pages.
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "source/mapped_file.h"

namespace fastbatch {
namespace {

struct Pages {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // one past
};

std::uint64_t page_bytes() {
  static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// The pages of `ranges`, sorted, without duplicates, neighbours merged.
std::vector<Pages> merge(std::span<const ByteRange> ranges, std::uint64_t file_bytes) {
  const std::uint64_t page = page_bytes();
  std::vector<Pages> pieces;
  pieces.reserve(ranges.size());
  for (const ByteRange& range : ranges) {
    if (range.size == 0 || range.offset >= file_bytes) continue;
    const std::uint64_t end = range.offset + std::min(range.size, file_bytes - range.offset);
    pieces.push_back({range.offset / page, (end - 1) / page + 1});
  }
  std::sort(pieces.begin(), pieces.end(), [](const Pages& a, const Pages& b) { return a.first < b.first; });
  std::size_t n = 0;
  for (const Pages& piece : pieces) {
    if (n > 0 && piece.first <= pieces[n - 1].last) {
      pieces[n - 1].last = std::max(pieces[n - 1].last, piece.last);
    } else {
      pieces[n++] = piece;
    }
  }
  pieces.resize(n);
  return pieces;
}

// Calls missing(first, last) for each run of pages of `piece` that is not in memory.
template <typename Missing>
void find_missing(const std::byte* mapping, Pages piece, Missing&& missing) {
  constexpr std::uint64_t kPagesAtOnce = 2048;
  std::array<unsigned char, kPagesAtOnce> present{};
  const std::uint64_t page = page_bytes();
  for (std::uint64_t first = piece.first; first < piece.last; first += kPagesAtOnce) {
    const std::uint64_t n = std::min(kPagesAtOnce, piece.last - first);
    void* start = const_cast<std::byte*>(mapping + first * page);
    if (::mincore(start, static_cast<std::size_t>(n * page), present.data()) != 0) {
      missing(first, first + n);
      continue;
    }
    for (std::uint64_t i = 0; i < n;) {
      const bool is_present = (present[i] & 1U) != 0;
      std::uint64_t end = i + 1;
      while (end < n && ((present[end] & 1U) != 0) == is_present) ++end;
      if (!is_present) missing(first + i, first + end);
      i = end;
    }
  }
}

// Without mincore(): tries to read a byte of every 32nd page, and of the last, without waiting.
template <typename Missing>
void probe_missing(int descriptor, Pages piece, Missing&& missing) {
  constexpr std::uint64_t kPagesPerProbe = 32;  // 128 KiB, the kernel's own readahead
  auto waits = [&](std::uint64_t page) {
    std::byte probe{};
    iovec target{&probe, 1};
    return ::preadv2(descriptor, &target, 1, static_cast<off_t>(page * page_bytes()), RWF_NOWAIT) < 0;
  };
  for (std::uint64_t first = piece.first; first < piece.last; first += kPagesPerProbe) {
    const std::uint64_t last = std::min(first + kPagesPerProbe, piece.last);
    if (waits(first) || waits(last - 1)) missing(first, last);
  }
}

}  // namespace

void MappedFile::set_access(Access access) const noexcept {
  if (bytes_.empty()) return;
  int advice = MADV_NORMAL;
  if (access == Access::kSequential) advice = MADV_SEQUENTIAL;
  if (access == Access::kRandom) advice = MADV_RANDOM;
  ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(), advice);
}

std::size_t MappedFile::advise_will_need(std::span<const ByteRange> ranges) const {
  const std::uint64_t page = page_bytes();
  std::uint64_t n_missing = 0;
  auto ask_for = [&](std::uint64_t first, std::uint64_t last) {
    // A hint: errors are ignored, since the pages are then loaded when they are read.
    ::madvise(const_cast<std::byte*>(bytes_.data() + first * page), static_cast<std::size_t>((last - first) * page),
              MADV_WILLNEED);
    n_missing += last - first;
  };
  std::unique_ptr<OpenFile> again;
  const OpenFile* const file = sees_residency_ ? nullptr : opened(again);
  for (const Pages& piece : merge(ranges, size())) {
    if (sees_residency_) {
      find_missing(bytes_.data(), piece, ask_for);
    } else if (file != nullptr) {
      probe_missing(file->descriptor(), piece, ask_for);
    } else {
      ask_for(piece.first, piece.last);
    }
  }
  return static_cast<std::size_t>(n_missing * page);
}

}  // namespace fastbatch
