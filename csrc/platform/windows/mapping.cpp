// SPDX-License-Identifier: MIT
// A mapped file cannot be cut on Windows, so its pages can only be lost to a failing device. Which pages the page cache
// holds is not told: "in memory" means in this process's working set.
#include "platform/mapping.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "common/error.h"
#include "platform/windows/system.h"

#include <psapi.h>  // after windows.h

namespace fastbatch {

std::uint64_t page_bytes() noexcept {
  static const std::uint64_t size = [] {
    SYSTEM_INFO system{};
    ::GetSystemInfo(&system);
    return std::uint64_t{system.dwPageSize};
  }();
  return size;
}

std::span<const std::byte> map_file(FileHandle file, std::uint64_t size, const std::string& path) {
  const HANDLE section = ::CreateFileMappingW(reinterpret_cast<HANDLE>(file), nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (section == nullptr) throw FileError({path}, errno_of(::GetLastError()));
  const void* start = ::MapViewOfFile(section, FILE_MAP_READ, 0, 0, static_cast<std::size_t>(size));
  const DWORD error = ::GetLastError();
  ::CloseHandle(section);  // the view keeps it
  if (start == nullptr) throw FileError({path}, errno_of(error));
  return {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
}

void unmap_file(std::span<const std::byte> mapping) noexcept { ::UnmapViewOfFile(mapping.data()); }

std::span<const std::byte> reserve_space(std::uint64_t, FileHandle, const std::string& name) {
  throw FileError({name}, ENOTSUP);
}

void map_over(std::span<const std::byte>, FileHandle, const std::string& name) { throw FileError({name}, ENOTSUP); }

void advise_access(std::span<const std::byte>, Access) noexcept {}

void advise_will_need(std::span<const std::byte> mapping, PageRange pages) noexcept {
  const std::uint64_t page = page_bytes();
  WIN32_MEMORY_RANGE_ENTRY range{const_cast<std::byte*>(mapping.data() + pages.first * page),
                                 static_cast<std::size_t>((pages.last - pages.first) * page)};
  ::PrefetchVirtualMemory(::GetCurrentProcess(), 1, &range, 0);
}

Residency residency_of(FileHandle, const std::string&) noexcept { return Residency::kOfMapping; }

std::vector<PageRange> missing_pages(std::span<const std::byte> mapping, PageRange pages, Residency, FileHandle) {
  constexpr std::uint64_t kPagesAtOnce = 1024;
  std::vector<PSAPI_WORKING_SET_EX_INFORMATION> asked(std::min(kPagesAtOnce, pages.last - pages.first));
  const std::uint64_t page = page_bytes();
  std::vector<PageRange> missing;
  for (std::uint64_t first = pages.first; first < pages.last; first += kPagesAtOnce) {
    const std::uint64_t n = std::min(kPagesAtOnce, pages.last - first);
    for (std::uint64_t i = 0; i < n; ++i) {
      asked[i].VirtualAddress = const_cast<std::byte*>(mapping.data() + (first + i) * page);
    }
    const bool is_told =
        ::K32QueryWorkingSetEx(::GetCurrentProcess(), asked.data(), static_cast<DWORD>(n * sizeof asked[0])) != 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      if (is_told && asked[i].VirtualAttributes.Valid != 0) continue;
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
