// SPDX-License-Identifier: MIT
// Locks for critical sections that are shorter than putting a thread to sleep and waking it.
#pragma once

#include <mutex>

namespace fastbatch {

// Tells the processor that this thread is spinning.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Locks the mutex: spins for a few microseconds before it sleeps.
inline std::unique_lock<std::mutex> lock_shortly(std::mutex& mutex) {
  constexpr int kLooks = 100;
  std::unique_lock lock(mutex, std::try_to_lock);
  for (int i = 0; i < kLooks && !lock.owns_lock(); ++i) {
    relax();
    static_cast<void>(lock.try_lock());
  }
  if (!lock.owns_lock()) lock.lock();
  return lock;
}

}  // namespace fastbatch
