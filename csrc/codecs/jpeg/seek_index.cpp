// SPDX-License-Identifier: MIT
#include "codecs/jpeg/seek_index.h"

#include <utility>

#include "platform/fork.h"
#include "platform/short_lock.h"

namespace fastbatch {
namespace {

constexpr std::size_t kNodeBytes = 200;  // of the map and the shared table, beside the points

}  // namespace

JpegSeekIndex::JpegSeekIndex(std::size_t most_bytes)
    : most_bytes_(most_bytes), n_forks_(count_forks()), has_room_(most_bytes > kNodeBytes) {}

// In a forked child, a thread that is not there may hold the mutex for ever: without it, no file is known.
std::unique_lock<std::mutex> JpegSeekIndex::lock() const {
  return count_forks() == n_forks_ ? lock_shortly(mutex_) : std::unique_lock(mutex_, std::try_to_lock);
}

std::shared_ptr<const jpeg::SeekTable> JpegSeekIndex::find(const Digest& file) const {
  const auto locked = lock();
  if (!locked) return nullptr;
  const auto found = tables_.find(file);
  return found == tables_.end() ? nullptr : found->second;
}

void JpegSeekIndex::add(const Digest& file, std::shared_ptr<const jpeg::SeekTable> table) {
  const auto locked = lock();
  if (!locked) return;
  const auto found = tables_.find(file);
  const bool is_new = found == tables_.end();
  if (!is_new && found->second->size() >= table->size()) return;
  const std::size_t before = is_new ? 0 : kNodeBytes + found->second->memory_bytes();
  const std::size_t after = kNodeBytes + table->memory_bytes();
  if (bytes_ - before + after > most_bytes_) {
    has_room_.store(false, std::memory_order_relaxed);
    return;
  }
  bytes_ += after - before;
  tables_.insert_or_assign(file, std::move(table));
}

void JpegSeekIndex::remove(const Digest& file) {
  const auto locked = lock();
  if (!locked) return;
  const auto found = tables_.find(file);
  if (found == tables_.end()) return;
  bytes_ -= kNodeBytes + found->second->memory_bytes();
  tables_.erase(found);
}

std::size_t JpegSeekIndex::memory_bytes() const {
  const auto locked = lock();
  return bytes_;
}

std::shared_ptr<JpegSeekIndex> make_seek_index(std::size_t most_bytes) {
  return most_bytes == 0 ? nullptr : std::make_shared<JpegSeekIndex>(most_bytes);
}

}  // namespace fastbatch
