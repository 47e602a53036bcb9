// SPDX-License-Identifier: MIT
// Notes of truncated images whose missing pixels were filled: decoders make them, the loader hands them out with the
// batch. As StopScope: decoders that wrap others need not pass them on.
// Threads: a scope concerns the thread that makes it.
#pragma once

#include <exception>
#include <vector>

namespace fastbatch {

// While it lives, images that this thread fills are noted in `notes`, each with the error of the decode that failed.
class FilledScope {
 public:
  explicit FilledScope(std::vector<std::exception_ptr>& notes) noexcept;
  FilledScope(const FilledScope&) = delete;
  FilledScope& operator=(const FilledScope&) = delete;
  ~FilledScope();

 private:
  std::vector<std::exception_ptr>* outer_;
};

void note_filled(std::exception_ptr error);  // nothing outside any scope

}  // namespace fastbatch
