// SPDX-License-Identifier: MIT
// Aligned memory: to a cache line; large blocks to a huge page, and on huge pages where the system has them.
// Threads: any.
#pragma once

#include <cstddef>

namespace fastbatch {

std::byte* allocate_pages(std::size_t bytes);  // throws std::bad_alloc
void free_pages(std::byte* memory) noexcept;

}  // namespace fastbatch
