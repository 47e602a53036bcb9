// SPDX-License-Identifier: MIT
// Pages in memory: mincore(), whose result on macOS is an array of char, for one page of the mapping each.
#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "platform/mapping.h"

namespace fastbatch {

Residency residency_of(FileHandle, const std::string&) noexcept { return Residency::kOfMapping; }

std::vector<PageRange> missing_pages(std::span<const std::byte> mapping, PageRange pages, Residency, FileHandle) {
  constexpr std::uint64_t kPagesAtOnce = 2048;
  std::array<char, kPagesAtOnce> present{};
  const std::uint64_t page = page_bytes();
  std::vector<PageRange> missing;
  for (std::uint64_t first = pages.first; first < pages.last; first += kPagesAtOnce) {
    const std::uint64_t n = std::min(kPagesAtOnce, pages.last - first);
    void* start = const_cast<std::byte*>(mapping.data() + first * page);
    const bool is_told = ::mincore(start, static_cast<std::size_t>(n * page), present.data()) == 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      if (is_told && (present[i] & MINCORE_INCORE) != 0) continue;
      if (!missing.empty() && missing.back().last == first + i) {
        ++missing.back().last;
      } else {
        missing.push_back({first + i, first + i + 1});
      }
    }
  }
  return missing;
}

}  // namespace fastbatch
