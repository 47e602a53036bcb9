// SPDX-License-Identifier: MIT
// Releases the GIL during its lifetime, as py::gil_scoped_release, and is safe when the interpreter ends meanwhile.
// Before 3.14, CPython terminates a thread that requests the GIL during finalisation by unwinding its stack; C++ aborts
// the process if that leaves a destructor. Here the thread waits for the process to end, as in 3.14.
// Threads: one, which holds the GIL before and after.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace fastbatch::bindings {

class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;
  ~GilRelease() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // glibc's forced unwinding: leaving this block would end the process
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }

 private:
  PyThreadState* state_;
};

// True during the finalisation of the interpreter, when threads that request the GIL never get it.
inline bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

}  // namespace fastbatch::bindings
