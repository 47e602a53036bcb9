// SPDX-License-Identifier: MIT
// Locks for what takes less time than putting a thread to sleep and waking it.
#pragma once

#include <mutex>

namespace fastbatch {

// Tells the processor that this thread waits for another.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Locks the mutex; looks a few microseconds long whether it becomes free before it sleeps.
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
