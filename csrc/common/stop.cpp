// SPDX-License-Identifier: MIT
#include "common/stop.h"

#include <utility>

namespace fastbatch {
namespace {

thread_local constinit const StopSignal* current = nullptr;

}  // namespace

StopScope::StopScope(const StopSignal& signal) noexcept : outer_(std::exchange(current, &signal)) {}

StopScope::~StopScope() { current = outer_; }

bool is_stopped() noexcept { return current != nullptr && current->is_set(); }

void throw_if_stopped() {
  if (is_stopped()) throw StoppedError();
}

}  // namespace fastbatch
