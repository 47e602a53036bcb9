// SPDX-License-Identifier: MIT
// Scratch memory that a thread reuses from sample to sample; freed after large samples. Threads: any.
#pragma once

#include <cstddef>
#include <vector>

namespace fastbatch {

// Larger scratch memory is freed after the sample that needed it.
inline constexpr std::size_t kKeptBytes = std::size_t{8} << 20U;

template <typename T>
void free_if_large(std::vector<T>& memory) {
  if (memory.capacity() * sizeof(T) > kKeptBytes) std::vector<T>().swap(memory);
}

}  // namespace fastbatch
