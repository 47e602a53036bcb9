// SPDX-License-Identifier: MIT
#include "platform/machine.h"

#include <mach/mach.h>
#include <sys/sysctl.h>

#include <algorithm>
#include <thread>

#include "platform/mapping.h"

namespace fastbatch {
namespace {

// A number of the system, of 4 or 8 bytes; 0 where there is none of that name.
std::uint64_t system_number(const char* name) {
  std::uint64_t value = 0;
  std::size_t size = sizeof value;
  return ::sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

unsigned available_cpus() {
  const auto active = static_cast<unsigned>(system_number("hw.activecpu"));
  return std::max(active != 0 ? active : std::thread::hardware_concurrency(), 1U);
}

std::uint64_t available_memory() {
  vm_statistics64_data_t pages{};
  mach_msg_type_number_t n = HOST_VM_INFO64_COUNT;
  auto* const into = reinterpret_cast<host_info64_t>(&pages);
  if (::host_statistics64(::mach_host_self(), HOST_VM_INFO64, into, &n) != KERN_SUCCESS) return 0;
  // Free pages, and those that the system takes back first: page cache, and memory not used for a while.
  return (std::uint64_t{pages.free_count} + pages.inactive_count + pages.purgeable_count) * page_bytes();
}

std::uint64_t cache_bytes() {
  return std::max(
      {system_number("hw.l2cachesize"), system_number("hw.l3cachesize"), system_number("hw.perflevel0.l2cachesize")});
}

PageFaults page_faults() noexcept { return {}; }

std::int64_t thread_id() noexcept { return 0; }

}  // namespace fastbatch
