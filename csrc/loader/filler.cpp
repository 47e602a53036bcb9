// SPDX-License-Identifier: MIT
#include "loader/filler.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "common/philox.h"

namespace fastbatch {

namespace {

using Clock = std::chrono::steady_clock;

// The current exception, if it is an error of the sample; rethrows errors of memory or of the program.
std::exception_ptr error_of_sample() {
  try {
    throw;
  } catch (const DecodeError&) {
    return std::current_exception();
  } catch (const FormatError&) {
    return std::current_exception();
  } catch (const FileError&) {
    return std::current_exception();
  }
}

void keep_first(Outcome& outcome, std::size_t failed_at, std::exception_ptr error) noexcept {
  if (outcome.error && outcome.failed_at <= failed_at) return;
  outcome.failed_at = failed_at;
  outcome.error = std::move(error);
}

// The first column's error is the sample's.
void note_bad(Outcome& outcome, std::size_t place, std::uint64_t sample, std::exception_ptr error) {
  const auto known = [&](const BadSample& bad) { return bad.place == place; };
  if (std::none_of(outcome.bad.begin(), outcome.bad.end(), known))
    outcome.bad.push_back({.place = place, .sample = sample, .error = std::move(error)});
}

}  // namespace

void Filler::fill(const Run& run, Task& task) noexcept {
  Outcome& outcome = task.outcome;
  outcome.error = nullptr;
  outcome.bad.clear();
  outcome.filled.clear();
  notes_.clear();
  const FilledScope scope(notes_);
  try {
    indices_.resize(task.count);
    run.plan().indices(run.order(), task.batch, task.begin, indices_);
    decode_s_.resize(columns_.size());
    ends_.resize(columns_.size());
    while (workspaces_.size() < columns_.size()) {
      const Decoder& column = *columns_[workspaces_.size()];
      workspaces_.push_back(column.workspace());
      workspaces_.back()->batch_bytes = column.slot_bytes() * batch_size_;
    }
    fill_columns(run, task, outcome);
    // One record for a sample. A task of images is one sample, and its first column's note counts.
    if (!notes_.empty() && outcome.bad.empty())
      outcome.filled.push_back({.place = task.begin, .sample = indices_[0], .error = notes_[0]});
    if (on_error_ == OnError::kReplace)
      for (BadSample& bad : outcome.bad)
        if (!replace(run, task, bad)) keep_first(outcome, bad.place, bad.error);
  } catch (...) {
    keep_first(outcome, task.begin, std::current_exception());
  }
}

void Filler::fill_columns(const Run& run, const Task& task, Outcome& outcome) {
  Clock::time_point start = begin_ = Clock::now();
  for (std::size_t c = 0; c < columns_.size();) {
    const std::size_t end = c + (fill_two(c, run, task) ? 2 : 1);
    if (end == c + 1) fill_column(c, run, task, outcome);
    const auto each = (Clock::now() - start) / (end - c);  // columns that were filled together share the time
    for (; c < end; ++c) {
      ends_[c] = start += each;
      decode_s_[c] += std::chrono::duration<double>(each).count();
    }
  }
}

// Fills a column and the next one in one pass; false if they do not go together, or if something is wrong with a
// sample: what it is, and where, is found when each column is filled by itself.
bool Filler::fill_two(std::size_t c, const Run& run, const Task& task) noexcept {
  if (c + 1 == columns_.size()) return false;
  const Decoder& next = *columns_[c + 1];
  if (run.order().has_keys() && (columns_[c]->uses_key() || next.uses_key())) return false;
  try {
    return columns_[c]->decode_with(next, indices_, slot(c, task, task.begin), slot(c + 1, task, task.begin),
                                    *workspaces_[c], *workspaces_[c + 1]);
  } catch (...) {
    return false;
  }
}

void Filler::fill_column(std::size_t c, const Run& run, const Task& task, Outcome& outcome) {
  std::size_t failed_at = 0;
  try {
    if (!run.order().has_keys() || !columns_[c]->uses_key()) {
      decode(c, run.key(), indices_, slot(c, task, task.begin), failed_at);
    } else {  // each sample has its own key
      std::size_t inside = 0;
      for (; failed_at < task.count; ++failed_at) {
        const std::size_t place = task.begin + failed_at;
        decode(c, key_at(run, task, place), {&indices_[failed_at], 1}, slot(c, task, place), inside);
      }
    }
  } catch (...) {
    if (on_error_ == OnError::kRaise)
      keep_first(outcome, task.begin + failed_at, std::current_exception());
    else if (task.count == 1)  // known already: a bad sample may take long to decode
      note_bad(outcome, task.begin, indices_[0], error_of_sample());
    else
      fill_one_by_one(c, run, task, outcome);
  }
}

// Decodes samples one by one, so that the set of bad samples does not depend on the size of the task.
void Filler::fill_one_by_one(std::size_t column, const Run& run, const Task& task, Outcome& outcome) {
  for (std::size_t j = 0; j < task.count; ++j) {
    const std::size_t place = task.begin + j;
    try {
      std::size_t failed_at = 0;
      decode(column, key_at(run, task, place), {&indices_[j], 1}, slot(column, task, place), failed_at);
    } catch (...) {
      note_bad(outcome, place, indices_[j], error_of_sample());
    }
  }
}

// False if none of the tried replacements can be decoded.
bool Filler::replace(const Run& run, const Task& task, BadSample& bad) {
  const StreamKey key = key_at(run, task, bad.place);
  Stream draws(key.seed, key.epoch, bad.sample, Operation::kReplace);
  for (int i = 0; i < kMaxReplacements; ++i) {
    const std::uint64_t other = run.order().at(draws.below(run.order().size()));
    try {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        std::size_t failed_at = 0;
        decode(c, key, {&other, 1}, slot(c, task, bad.place), failed_at);
      }
      bad.replaced_by = other;
      return true;
    } catch (...) {
      static_cast<void>(error_of_sample());
    }
  }
  return false;
}

StreamKey Filler::key_at(const Run& run, const Task& task, std::size_t place) {
  if (!run.order().has_keys()) return run.key();
  return run.order().key(run.plan().position(task.batch, place));
}

void Filler::decode(std::size_t column, StreamKey key, std::span<const std::uint64_t> indices, std::byte* slots,
                    std::size_t& failed_at) {
  columns_[column]->decode(indices, key, slots, *workspaces_[column], failed_at);
}

std::byte* Filler::slot(std::size_t column, const Task& task, std::size_t place) const noexcept {
  return task.columns[column] + place * columns_[column]->slot_bytes();
}

void leave_out_bad(Batch& batch, const Filler::Columns& columns) noexcept {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::size_t bytes = columns[c]->slot_bytes();
    std::byte* const slots = batch.columns[c].data();
    std::size_t to = 0;
    std::size_t from = 0;
    const auto keep_until = [&](std::size_t place) {
      if (to != from) std::memmove(slots + to * bytes, slots + from * bytes, (place - from) * bytes);
      to += place - from;
      from = place + 1;
    };
    for (const BadSample& bad : batch.bad) keep_until(bad.place);
    keep_until(batch.samples);
  }
  batch.samples -= batch.bad.size();
}

}  // namespace fastbatch
