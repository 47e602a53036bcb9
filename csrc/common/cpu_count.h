// SPDX-License-Identifier: MIT
// How many threads are worth starting here. Threads: any.
#pragma once

namespace fastbatch {

// CPUs that this process may use: its affinity mask, capped by the cgroup's CPU quota (v2 cpu.max or v1 cfs_quota,
// rounded up); at least 1.
unsigned available_cpus();

}  // namespace fastbatch
