// SPDX-License-Identifier: MIT
// The instruction sets that the kernels may use: those of this binary, of this CPU, and allowed by the user.
#include "kernels/targets.h"

#include <hwy/highway.h>

#include <atomic>
#include <cctype>
#include <cstdint>
#include <stdexcept>

#include "kernels/kernels.h"

namespace fastbatch::kernels {
namespace {

constexpr const char* kScalar = "scalar";

// Set by narrow_targets("scalar"), which Highway does not support. It stores all other choices itself.
std::atomic<bool> scalar_chosen{false};

// Targets of this binary that this CPU supports, one bit each, the lowest is the best. Read once, before narrowing.
std::int64_t detected() noexcept {
  static const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS & ~(HWY_SCALAR | HWY_EMU128);
  return targets;
}

std::int64_t best_of(std::int64_t targets) noexcept { return targets & -targets; }

std::string name_of(std::int64_t target) {
  std::string name = hwy::TargetName(target);
  for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return name;
}

}  // namespace

bool scalar_only() noexcept { return scalar_chosen.load(std::memory_order_relaxed) || detected() == 0; }

std::vector<std::string> supported_targets() {
  std::vector<std::string> names;
  for (std::int64_t rest = detected(); rest != 0; rest &= rest - 1) names.push_back(name_of(best_of(rest)));
  names.emplace_back(kScalar);
  return names;
}

std::string active_target() {
  const std::int64_t narrowed = detected() & hwy::SupportedTargets();
  return scalar_only() || narrowed == 0 ? kScalar : name_of(best_of(narrowed));
}

std::string highway_version() {
  return std::to_string(HWY_MAJOR) + "." + std::to_string(HWY_MINOR) + "." + std::to_string(HWY_PATCH);
}

void narrow_targets(std::string_view name) {
  std::int64_t wanted = detected();  // must be called before Highway's targets are narrowed
  if (!name.empty() && name != kScalar) {
    while (wanted != 0 && name_of(best_of(wanted)) != name) wanted &= wanted - 1;
    if (wanted == 0) {
      std::string message = "unknown or unsupported instruction set '" + std::string(name) + "': expected one of";
      for (const std::string& supported : supported_targets()) message += " " + supported;
      throw std::invalid_argument(message);
    }
    wanted = best_of(wanted);
  }
  hwy::SetSupportedTargetsForTest(name.empty() ? 0 : wanted);  // 0: restores Highway's choice
  scalar_chosen.store(name == kScalar, std::memory_order_relaxed);
}

}  // namespace fastbatch::kernels
