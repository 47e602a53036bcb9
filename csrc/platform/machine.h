// SPDX-License-Identifier: MIT
// The CPUs and the memory that this process may use, and the numbers of its threads. Threads: any.
#pragma once

#include <cstdint>

namespace fastbatch {

// CPUs that this process may use, at least 1: its affinity mask, on Linux capped by the cgroup's CPU quota (v2 cpu.max
// or v1 cfs_quota, rounded up).
unsigned available_cpus();

// Bytes of memory available without swapping, including page cache; 0 if unknown. On Linux MemAvailable, capped by the
// cgroup's remaining limit (v2).
std::uint64_t available_memory();

// Bytes of the largest cache of the CPU; 0 if unknown.
std::uint64_t cache_bytes();

// The system's number of the calling thread, by which Linux's /proc/self/task/NUMBER says what it does; 0 if unknown.
std::int64_t thread_id() noexcept;

// The page faults of the calling thread so far; zero where the system does not count them.
struct PageFaults {
  std::uint64_t minor = 0;
  std::uint64_t major = 0;
};
PageFaults page_faults() noexcept;

}  // namespace fastbatch
