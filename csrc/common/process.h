// SPDX-License-Identifier: MIT
// Whether this is still the process that made a thing: a forked child has none of its threads, and perhaps its locks.
// Threads: any.
#pragma once

#include <cstdint>

namespace fastbatch {

// How many forks lie between the process that loaded this code and this one. getpid() would be a system call.
std::uint64_t count_forks() noexcept;

}  // namespace fastbatch
