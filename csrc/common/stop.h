// SPDX-License-Identifier: MIT
// Stopping long work: a decode asks between rows or scans whether its result is still wanted.
// Threads: a StopScope concerns the thread that makes it; StopFlag may be set by any thread.
#pragma once

#include <atomic>
#include <stdexcept>

namespace fastbatch {

class StopSignal {
 public:
  virtual ~StopSignal() = default;
  [[nodiscard]] virtual bool is_set() const noexcept = 0;  // asked by the thread that does the work, often
};

class StopFlag final : public StopSignal {
 public:
  void set() noexcept { is_set_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_set() const noexcept override { return is_set_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> is_set_{false};
};

// Work that was stopped; nobody sees its result. Not an error of the data.
class StoppedError : public std::runtime_error {
 public:
  StoppedError() : std::runtime_error("stopped") {}
};

// While it lives, this thread's work is stopped by `signal`. Scopes nest: the innermost counts.
class StopScope {
 public:
  explicit StopScope(const StopSignal& signal) noexcept;
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  ~StopScope();

 private:
  const StopSignal* outer_;
};

[[nodiscard]] bool is_stopped() noexcept;  // false outside any scope
void throw_if_stopped();                   // throws StoppedError

}  // namespace fastbatch
