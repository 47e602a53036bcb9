// SPDX-License-Identifier: MIT
// Decodes the samples of a task into their slots; skips or replaces bad samples.
// Owner: the worker thread. Each column's scratch memory is reused from task to task.
// Threads: one. The columns are shared and immutable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "decode/decoder.h"
#include "decode/filled.h"
#include "loader/run.h"
#include "loader/task.h"

namespace fastbatch {

class Filler {
 public:
  using Columns = std::vector<std::shared_ptr<const Decoder>>;
  static constexpr int kMaxReplacements = 32;  // replacements tried for a bad sample

  Filler(const Columns& columns, std::size_t batch_size, OnError on_error)
      : columns_(columns), batch_size_(batch_size), on_error_(on_error) {}

  // Fills the slots. Bad samples are listed in the task's outcome; the slots of skipped ones are undefined.
  void fill(const Run& run, Task& task) noexcept;

  std::vector<double>& decode_s() noexcept { return decode_s_; }  // seconds spent, per column
  std::vector<std::uint64_t>& indices() noexcept { return indices_; }
  // When the latest task began, and when each of its columns was done.
  [[nodiscard]] std::chrono::steady_clock::time_point begin() const noexcept { return begin_; }
  [[nodiscard]] std::span<const std::chrono::steady_clock::time_point> ends() const noexcept { return ends_; }

 private:
  void fill_columns(const Run& run, const Task& task, Outcome& outcome);
  bool fill_two(std::size_t c, const Run& run, const Task& task) noexcept;
  void fill_column(std::size_t c, const Run& run, const Task& task, Outcome& outcome);
  void fill_one_by_one(std::size_t column, const Run& run, const Task& task, Outcome& outcome);
  bool replace(const Run& run, const Task& task, BadSample& bad);
  void decode(std::size_t column, StreamKey key, std::span<const std::uint64_t> indices, std::byte* slots,
              std::size_t& failed_at);
  [[nodiscard]] static StreamKey key_at(const Run& run, const Task& task, std::size_t place);
  [[nodiscard]] std::byte* slot(std::size_t column, const Task& task, std::size_t place) const noexcept;

  const Columns& columns_;
  const std::size_t batch_size_;
  const OnError on_error_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;  // one per column
  std::vector<std::uint64_t> indices_;
  std::vector<std::exception_ptr> notes_;  // of images that were filled, of the latest task
  std::vector<double> decode_s_;
  std::chrono::steady_clock::time_point begin_;
  std::vector<std::chrono::steady_clock::time_point> ends_;  // one per column
};

// Removes the slots of skipped samples from the batch by moving the later ones. The batch must not be shared yet.
void leave_out_bad(Batch& batch, const Filler::Columns& columns) noexcept;

}  // namespace fastbatch
