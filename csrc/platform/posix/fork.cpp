// SPDX-License-Identifier: MIT
#include "platform/fork.h"

#include <pthread.h>

#include <atomic>

namespace fastbatch {
namespace {

constinit std::atomic<std::uint64_t> n_forks{0};
[[maybe_unused]] const int registered =
    pthread_atfork(nullptr, nullptr, [] { n_forks.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

std::uint64_t count_forks() noexcept { return n_forks.load(std::memory_order_relaxed); }

}  // namespace fastbatch
