// SPDX-License-Identifier: MIT
// The CPUs and the memory that this process may use. Threads: any.
#pragma once

#include <cstdint>

namespace fastbatch {

// CPUs that this process may use: its affinity mask, capped by the cgroup's CPU quota (v2 cpu.max or v1 cfs_quota,
// rounded up); at least 1.
unsigned available_cpus();

// Bytes of memory available without swapping, including page cache: MemAvailable, capped by the cgroup's remaining
// limit (v2). 0 if unknown.
std::uint64_t available_memory();

// Bytes of the largest cache of the CPU; 0 if unknown.
std::uint64_t cache_bytes();

}  // namespace fastbatch
