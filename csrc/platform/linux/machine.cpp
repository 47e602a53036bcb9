// SPDX-License-Identifier: MIT
#include "platform/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

namespace fastbatch {

namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

double quotient(double quota, double period) { return quota > 0 && period > 0 ? quota / period : kUnlimited; }

// The CPU quota of one cgroup folder, v2 or v1; unlimited if it sets none.
double folder_quota(const std::string& v2, const std::string& v1) {
  if (std::ifstream file(v2 + "/cpu.max"); file) {
    std::string quota;
    double period = 0;
    if (file >> quota >> period && quota != "max") return quotient(std::atof(quota.c_str()), period);
    return kUnlimited;
  }
  std::ifstream quota_file(v1 + "/cpu.cfs_quota_us");
  std::ifstream period_file(v1 + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (quota_file >> quota && period_file >> period) return quotient(quota, period);
  return kUnlimited;
}

// Calls visit(folder) for the cgroup of this process and all its ancestors, whose limits apply too. Folders are paths
// below the hierarchy's mount.
template <typename Visit>
void visit_cgroups(Visit visit) {
  visit("");
  std::ifstream self("/proc/self/cgroup");
  for (std::string line; std::getline(self, line);) {
    const std::size_t controllers = line.find(':');
    const std::size_t path = line.find(':', controllers + 1);
    if (controllers == std::string::npos || path == std::string::npos) continue;
    for (std::string folder = line.substr(path + 1); folder.size() > 1; folder.erase(folder.rfind('/'))) visit(folder);
  }
}

double cgroup_quota() {
  double cpus = kUnlimited;
  visit_cgroups([&](const std::string& folder) {
    cpus = std::min(cpus, folder_quota("/sys/fs/cgroup" + folder, "/sys/fs/cgroup/cpu" + folder));
  });
  return cpus;
}

// The remaining memory of one cgroup v2 folder; unlimited if it sets no limit.
std::uint64_t folder_memory(const std::string& folder) {
  std::ifstream max_file("/sys/fs/cgroup" + folder + "/memory.max");
  std::ifstream current_file("/sys/fs/cgroup" + folder + "/memory.current");
  std::uint64_t max = 0;
  std::uint64_t current = 0;
  if (max_file >> max && current_file >> current) return max > current ? max - current : 0;
  return std::numeric_limits<std::uint64_t>::max();
}

unsigned affinity_count() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return static_cast<unsigned>(CPU_COUNT(&mask));
  return std::thread::hardware_concurrency();  // more CPUs than fit into the fixed-size mask
}

}  // namespace

unsigned available_cpus() {
  const double cpus = std::min(static_cast<double>(affinity_count()), std::ceil(cgroup_quota()));
  return static_cast<unsigned>(std::max(1.0, cpus));
}

std::uint64_t available_memory() {
  std::uint64_t bytes = 0;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);)
    if (line.starts_with("MemAvailable:")) bytes = std::strtoull(line.c_str() + 13, nullptr, 10) * 1024;
  visit_cgroups([&](const std::string& folder) { bytes = std::min(bytes, folder_memory(folder)); });
  return bytes;
}

std::uint64_t cache_bytes() {
  // sysconf(_SC_LEVEL3_CACHE_SIZE) is ten times too large on some virtual machines.
  std::uint64_t most = 0;
  for (const char* index : {"index2", "index3", "index4"}) {
    std::ifstream file(std::string("/sys/devices/system/cpu/cpu0/cache/") + index + "/size");
    std::uint64_t kibibytes = 0;
    if (char unit = 0; file >> kibibytes >> unit && unit == 'K') most = std::max(most, kibibytes << 10U);
  }
  return most;
}

PageFaults page_faults() noexcept {
  rusage usage{};
  if (::getrusage(RUSAGE_THREAD, &usage) != 0) return {};
  return {static_cast<std::uint64_t>(usage.ru_minflt), static_cast<std::uint64_t>(usage.ru_majflt)};
}

std::int64_t thread_id() noexcept { return ::syscall(SYS_gettid); }

}  // namespace fastbatch
