// SPDX-License-Identifier: MIT
#include "platform/memory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "platform/posix/differences.h"

namespace fastbatch {

std::byte* allocate_pages(std::size_t bytes) {
  constexpr std::size_t kCacheLine = 64;
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  // Below two huge pages the memory lost by rounding outweighs the saved page-table walks.
  const bool huge = bytes >= 2 * kHugePage;
  void* memory = nullptr;
  if (posix_memalign(&memory, huge ? kHugePage : kCacheLine, std::max(bytes, kCacheLine)) != 0) throw std::bad_alloc();
  if (huge) use_huge_pages(memory, bytes / kHugePage * kHugePage);
  return static_cast<std::byte*>(memory);
}

void free_pages(std::byte* memory) noexcept { std::free(memory); }

}  // namespace fastbatch
