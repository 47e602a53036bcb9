// SPDX-License-Identifier: MIT
#include "platform/memory.h"

#include <malloc.h>

#include <algorithm>
#include <new>

namespace fastbatch {

std::byte* allocate_pages(std::size_t bytes) {
  constexpr std::size_t kCacheLine = 64;
  constexpr std::size_t kHugePage = std::size_t{2} << 20;  // of addresses only: large pages need a privilege
  void* memory = ::_aligned_malloc(std::max(bytes, kCacheLine), bytes >= 2 * kHugePage ? kHugePage : kCacheLine);
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

void free_pages(std::byte* memory) noexcept { ::_aligned_free(memory); }

}  // namespace fastbatch
