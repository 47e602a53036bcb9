// SPDX-License-Identifier: MIT
// Fork detection: a forked child has none of its parent's threads, and may have copies of locked mutexes.
// Threads: any.
#pragma once

#include <cstdint>

namespace fastbatch {

// The number of forks between the process that loaded this code and this one. getpid() would be a system call.
std::uint64_t count_forks() noexcept;

}  // namespace fastbatch
