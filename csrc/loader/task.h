// SPDX-License-Identifier: MIT
// What passes between the loader and its workers: tasks, what came of them, and the batches they add up to.
// Threads: plain values, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <vector>

#include "batch/buffer_pool.h"

namespace fastbatch {

// What becomes of a sample that cannot be read or decoded.
enum class OnError : std::uint8_t {
  kRaise,    // its batch owes the error
  kSkip,     // it is left out, and its batch is shorter
  kReplace,  // another sample of the epoch, drawn from its own stream, stands in
};

struct BadSample {
  std::size_t place = 0;     // in the batch
  std::uint64_t sample = 0;  // index in the source
  std::optional<std::uint64_t> replaced_by{};
  std::exception_ptr error{};  // FormatError, DecodeError or FileError
};

// What next() hands out: one buffer a column, each with its own lease.
struct Batch {
  std::uint64_t number = 0;  // counted from the start of the run
  std::size_t samples = 0;
  std::vector<Lease> columns;
  std::vector<BadSample> bad;  // in order
};

// What came of decoding.
struct Outcome {
  std::size_t failed_at = 0;  // place in the batch of the first sample that the batch owes an error for
  std::exception_ptr error;   // none: all is well, but for the samples in `bad`
  std::vector<BadSample> bad;
};

// A piece of work. kDecode: samples [begin, begin + count) of a batch; kAdvise: tell the kernel of the whole
// batch; kProbe: of a few of its samples, to learn whether they are in memory.
struct Task {
  enum class Kind : std::uint8_t { kDecode, kAdvise, kProbe };
  Kind kind = Kind::kDecode;
  std::uint64_t batch = 0;
  std::size_t begin = 0;
  std::size_t count = 0;
  std::vector<std::byte*> columns{};  // first byte of each of the batch's buffers
  Outcome outcome{};                  // of kDecode, when it is done
  std::size_t not_resident = 0;       // bytes that were not in memory, when advice is given
};

// What a thread does between two visits to the scheduler: tasks of one run, in order. Keeps their memory.
class Trip {
 public:
  void clear() noexcept { n_ = 0; }
  Task& add() {
    if (n_ == tasks_.size()) tasks_.emplace_back();
    return tasks_[n_++];
  }
  void drop_last() noexcept { --n_; }
  [[nodiscard]] std::span<Task> tasks() noexcept { return {tasks_.data(), n_}; }

 private:
  std::vector<Task> tasks_;
  std::size_t n_ = 0;
};

}  // namespace fastbatch
