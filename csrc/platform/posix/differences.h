// SPDX-License-Identifier: MIT
// What Linux and macOS name or do differently, for the files beside this one. Threads: any.
#pragma once

#include <sys/stat.h>

#include <cstddef>

namespace fastbatch {

timespec modification_time(const struct stat& status) noexcept;

// Asks for huge pages, where there are any. A hint.
void use_huge_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace fastbatch
