// SPDX-License-Identifier: MIT
#include "common/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <vector>

#include "common/joined_thread.h"

namespace fastbatch {

void parallel_for(std::size_t n, std::size_t threads, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> begun{0};
  std::mutex mutex;  // guards first_error
  std::exception_ptr first_error;
  const auto work = [&] {
    for (std::size_t i; (i = begun.fetch_add(1, std::memory_order_relaxed)) < n;) {
      try {
        body(i);
      } catch (...) {
        begun.store(n, std::memory_order_relaxed);
        const std::lock_guard lock(mutex);
        if (!first_error) first_error = std::current_exception();
      }
    }
  };
  {
    std::vector<JoinedThread> others;
    const std::size_t wanted = std::min(threads, n);
    others.reserve(wanted);
    try {
      while (others.size() + 1 < wanted) others.emplace_back(work);
    } catch (const std::system_error&) {
      // no further thread can be started: the existing ones do all the work
    }
    work();
  }
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace fastbatch
