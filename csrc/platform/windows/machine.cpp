// SPDX-License-Identifier: MIT
#include "platform/machine.h"

#include <algorithm>
#include <bit>
#include <thread>
#include <vector>

#include "platform/windows/system.h"

namespace fastbatch {

unsigned available_cpus() {
  DWORD_PTR ours = 0;
  DWORD_PTR all = 0;
  // Zero for a process with threads in several groups of 64 CPUs.
  if (::GetProcessAffinityMask(::GetCurrentProcess(), &ours, &all) != 0 && ours != 0) {
    return static_cast<unsigned>(std::popcount(std::uint64_t{ours}));
  }
  return std::max(std::thread::hardware_concurrency(), 1U);
}

std::uint64_t available_memory() {
  MEMORYSTATUSEX memory{};
  memory.dwLength = sizeof memory;
  return ::GlobalMemoryStatusEx(&memory) != 0 ? memory.ullAvailPhys : 0;
}

std::uint64_t cache_bytes() {
  DWORD size = 0;
  ::GetLogicalProcessorInformation(nullptr, &size);
  std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> entries(size / sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION));
  if (entries.empty() || ::GetLogicalProcessorInformation(entries.data(), &size) == 0) return 0;
  std::uint64_t most = 0;
  for (const auto& entry : entries) {
    if (entry.Relationship == RelationCache) most = std::max<std::uint64_t>(most, entry.Cache.Size);
  }
  return most;
}

PageFaults page_faults() noexcept { return {}; }

std::int64_t thread_id() noexcept { return ::GetCurrentThreadId(); }

}  // namespace fastbatch
