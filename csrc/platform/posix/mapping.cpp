// SPDX-License-Identifier: MIT
#include "platform/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "common/error.h"

namespace fastbatch {

std::uint64_t page_bytes() noexcept {
  static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::span<const std::byte> map_file(FileHandle file, std::uint64_t size, const std::string& path) {
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, static_cast<int>(file), 0);
  if (start == MAP_FAILED) throw FileError({path}, errno);
  return {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
}

void unmap_file(std::span<const std::byte> mapping) noexcept {
  ::munmap(const_cast<std::byte*>(mapping.data()), mapping.size());
}

std::span<const std::byte> reserve_space(std::uint64_t size, FileHandle empty, const std::string& name) {
  return map_file(empty, size, name);
}

void map_over(std::span<const std::byte> part, FileHandle file, const std::string& name) {
  void* start = const_cast<std::byte*>(part.data());
  if (::mmap(start, part.size(), PROT_READ, MAP_SHARED | MAP_FIXED, static_cast<int>(file), 0) == MAP_FAILED) {
    throw FileError({name}, errno);
  }
}

void advise_access(std::span<const std::byte> mapping, Access access) noexcept {
  int advice = MADV_NORMAL;
  if (access == Access::kSequential) advice = MADV_SEQUENTIAL;
  if (access == Access::kRandom) advice = MADV_RANDOM;
  ::madvise(const_cast<std::byte*>(mapping.data()), mapping.size(), advice);
}

void advise_will_need(std::span<const std::byte> mapping, PageRange pages) noexcept {
  const std::uint64_t page = page_bytes();
  ::madvise(const_cast<std::byte*>(mapping.data() + pages.first * page),
            static_cast<std::size_t>((pages.last - pages.first) * page), MADV_WILLNEED);
}

}  // namespace fastbatch
