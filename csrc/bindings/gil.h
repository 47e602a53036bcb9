// SPDX-License-Identifier: MIT
// Lets other Python threads run while it lives, as py::gil_scoped_release does, and outlives the interpreter.
// Before 3.14, CPython ends a thread that asks for the GIL while the interpreter ends by unwinding its stack, and C++
// lets no unwinding leave a destructor: the process dies. Here the thread waits for the process to end, as
// in 3.14. Threads: one; the one that holds the GIL makes it, and has the GIL again afterwards.
#pragma once

#include <Python.h>
#include <cxxabi.h>
#include <unistd.h>

namespace fastbatch::bindings {

class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;
  ~GilRelease() {
#ifdef __GLIBCXX__
    try {
      PyEval_RestoreThread(state_);
    } catch (abi::__forced_unwind&) {
      for (;;) pause();
    }
#else
    PyEval_RestoreThread(state_);
#endif
  }

 private:
  PyThreadState* state_;
};

// Whether the interpreter is ending: threads that ask for the GIL now never get it.
inline bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

}  // namespace fastbatch::bindings
