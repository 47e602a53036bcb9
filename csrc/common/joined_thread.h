// SPDX-License-Identifier: MIT
// A thread that is joined when this object is destroyed: std::jthread, which AppleClang's library has only as an
// experiment. Threads: one, which owns it.
#pragma once

#include <concepts>
#include <thread>
#include <type_traits>
#include <utility>

namespace fastbatch {

class JoinedThread {
 public:
  JoinedThread() = default;
  template <typename Body, typename... Arguments>
    requires(!std::same_as<std::remove_cvref_t<Body>, JoinedThread>)
  explicit JoinedThread(Body&& body, Arguments&&... arguments)
      : thread_(std::forward<Body>(body), std::forward<Arguments>(arguments)...) {}
  JoinedThread(JoinedThread&&) noexcept = default;
  JoinedThread& operator=(JoinedThread&& other) noexcept {
    join();
    thread_ = std::move(other.thread_);
    return *this;
  }
  ~JoinedThread() { join(); }

  // Returns when the thread has ended; immediately the second time, and if there is none.
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

}  // namespace fastbatch
