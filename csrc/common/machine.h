// SPDX-License-Identifier: MIT
// The CPUs and the memory that this process may use. Threads: any.
#pragma once

#include <cstdint>

namespace fastbatch {

// CPUs that this process may use: its affinity mask, capped by the cgroup's CPU quota (v2 cpu.max or v1 cfs_quota,
// rounded up); at least 1.
unsigned available_cpus();

// Bytes of memory that can still be filled, page cache included, without pushing anything else out: MemAvailable,
// capped by what the cgroup (v2) has left. 0 when the system does not say.
std::uint64_t available_memory();

}  // namespace fastbatch
