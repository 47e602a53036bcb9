// SPDX-License-Identifier: MIT
// A flag that threads wait for. Threads: any.
#pragma once

#include <condition_variable>
#include <mutex>

namespace fastbatch {

// In place of std::atomic<bool>::wait, which misses a notification between its look and its sleep where GCC 12's
// library has no futex: with mingw-w64 on Windows.
class Flag {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

}  // namespace fastbatch
