// SPDX-License-Identifier: MIT
// The values that the loader and its workers exchange: tasks, their outcomes, and batches.
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

// The handling of a bad sample, which cannot be read or decoded.
enum class OnError : std::uint8_t {
  kRaise,    // next() throws the error in place of the batch
  kSkip,     // it is dropped and the batch is shorter
  kReplace,  // it is replaced by another sample of the epoch, drawn from the bad sample's stream
};

struct BadSample {
  std::size_t place = 0;     // slot in the batch
  std::uint64_t sample = 0;  // index in the source
  std::optional<std::uint64_t> replaced_by{};
  std::exception_ptr error{};  // FormatError, DecodeError or FileError
};

// The result of next(): one buffer per column, each with its own lease.
struct Batch {
  std::uint64_t number = 0;  // number within the run, from 0
  std::size_t samples = 0;
  std::vector<Lease> columns;
  std::vector<BadSample> bad;     // in the order of the batch
  std::vector<BadSample> filled;  // likewise: truncated images whose missing pixels were filled
};

// The result of decoding a task.
struct Outcome {
  std::size_t failed_at = 0;  // slot of the first sample whose error is raised
  std::exception_ptr error;   // null: all samples are decoded, except those in `bad`
  std::vector<BadSample> bad;
  std::vector<BadSample> filled;  // are in the batch
};

// A unit of work. kDecode: samples [begin, begin + count) of a batch. kAdvise: readahead advice for a whole batch.
// kProbe: advice for a few of its samples, to learn whether they are in memory.
struct Task {
  enum class Kind : std::uint8_t { kDecode, kAdvise, kProbe };
  Kind kind = Kind::kDecode;
  std::uint64_t batch = 0;
  std::size_t begin = 0;
  std::size_t count = 0;
  std::vector<std::byte*> columns{};  // start of each buffer of the batch
  Outcome outcome{};                  // result of kDecode
  std::size_t not_resident = 0;       // result of kAdvise and kProbe: bytes that were not in memory
};

// A task that a thread performs now, for messages about slow data.
struct UnderWay {
  Task::Kind kind = Task::Kind::kDecode;
  std::uint64_t batch = 0;
  std::size_t begin = 0;
  std::size_t count = 0;
  std::int64_t thread = 0;  // `thread_id()`
};

// The tasks of one run that a thread claims together, in order. Their memory is reused.
class WorkItems {
 public:
  void clear() noexcept { n_ = 0; }
  Task& add() {
    if (n_ == tasks_.size()) tasks_.emplace_back();
    return tasks_[n_++];
  }
  void drop_last() noexcept { --n_; }
  [[nodiscard]] std::span<Task> tasks() noexcept { return {tasks_.data(), n_}; }
  [[nodiscard]] std::span<const Task> tasks() const noexcept { return {tasks_.data(), n_}; }

 private:
  std::vector<Task> tasks_;
  std::size_t n_ = 0;
};

}  // namespace fastbatch
