// SPDX-License-Identifier: MIT
#include "common/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

namespace fastbatch {

namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

double quotient(double quota, double period) { return quota > 0 && period > 0 ? quota / period : kUnlimited; }

// CPUs granted in one cgroup folder, v2 or v1; unlimited when it sets none.
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

// The tightest quota from this process's own cgroup up to the root: a limit binds all below it.
double cgroup_quota() {
  double cpus = folder_quota("/sys/fs/cgroup", "/sys/fs/cgroup/cpu");
  std::ifstream self("/proc/self/cgroup");
  for (std::string line; std::getline(self, line);) {
    const std::size_t controllers = line.find(':');
    const std::size_t path = line.find(':', controllers + 1);
    if (controllers == std::string::npos || path == std::string::npos) continue;
    for (std::string folder = line.substr(path + 1); folder.size() > 1; folder.erase(folder.rfind('/')))
      cpus = std::min(cpus, folder_quota("/sys/fs/cgroup" + folder, "/sys/fs/cgroup/cpu" + folder));
  }
  return cpus;
}

unsigned affinity_count() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return static_cast<unsigned>(CPU_COUNT(&mask));
  return std::thread::hardware_concurrency();  // more CPUs than the fixed-size mask holds
}

}  // namespace

unsigned available_cpus() {
  const double cpus = std::min(static_cast<double>(affinity_count()), std::ceil(cgroup_quota()));
  return static_cast<unsigned>(std::max(1.0, cpus));
}

}  // namespace fastbatch
