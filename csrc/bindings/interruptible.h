// SPDX-License-Identifier: MIT
// Long work that Ctrl-C ends soon.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <future>

#include "bindings/gil.h"
#include "common/stop.h"

namespace fastbatch::bindings {

// Ctrl-C is answered this soon.
inline constexpr std::chrono::milliseconds kSignalInterval{50};

// Asks Python for signals, at most once in the interval; for work on a thread that has released the GIL. Once it is
// set, Python's exception is pending: interruptible_here() throws it.
class PythonSignals final : public StopSignal {
 public:
  [[nodiscard]] bool is_set() const noexcept override {
    const auto now = std::chrono::steady_clock::now();
    if (is_set_ || now < next_) return is_set_;
    if (is_finalizing()) return false;
    {
      const pybind11::gil_scoped_acquire gil;
      is_set_ = PyErr_CheckSignals() != 0;
    }
    next_ = std::chrono::steady_clock::now() + kSignalInterval;
    return is_set_;
  }

 private:
  mutable std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kSignalInterval;
  mutable bool is_set_ = false;
};

// Runs work() on this thread without the GIL. Throws Python's exception when a signal ended it.
template <typename Work>
void interruptible_here(const Work& work) {
  PythonSignals signals;
  try {
    const GilRelease release;  // `work` touches no Python object
    const StopScope scope(signals);
    work();
  } catch (const StoppedError&) {
    throw pybind11::error_already_set();
  }
}

// Runs work(stop) in a thread, and asks Python for signals meanwhile.
template <typename Work>
auto interruptible(const Work& work) {
  StopFlag stop;
  auto result = std::async(std::launch::async, [&] {
    const StopScope scope(stop);
    return work(stop);
  });
  const auto wait = [&] {
    const GilRelease no_gil;  // GIL released: waits for the thread
    return result.wait_for(kSignalInterval) == std::future_status::ready;
  };
  while (!wait()) {
    if (PyErr_CheckSignals() == 0) continue;
    stop.set();
    const GilRelease no_gil;  // GIL released: waits for the thread
    result.wait();
    break;
  }
  if (stop.is_set()) throw pybind11::error_already_set();
  return result.get();
}

}  // namespace fastbatch::bindings
