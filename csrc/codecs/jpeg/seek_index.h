// SPDX-License-Identifier: MIT
// Where decoding may begin in JPEGs that were read before. A decode that needs a part of an image only notes points on
// its way; the next one of the same file begins at one of them, and does not read what is above or beside its part.
//
// Files are known by a digest of all their bytes, so that no other content is ever taken for one that was changed, and
// samples in memory and in archives are known, too. What is noted first stays: an epoch asks for every file once, and
// with more files than the memory holds, a cache of the most recent ones would lose each before it is asked for again.
// Threads: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "codecs/jpeg/seek_table.h"
#include "common/digest.h"

namespace fastbatch {

class JpegSeekIndex {
 public:
  // Keeps up to `most_bytes`.
  explicit JpegSeekIndex(std::size_t most_bytes);

  // Null: an unknown file.
  [[nodiscard]] std::shared_ptr<const jpeg::SeekTable> find(const Digest& file) const;
  // In place of a table with fewer points. Drops it if there is no room.
  void add(const Digest& file, std::shared_ptr<const jpeg::SeekTable> table);
  // A table that proved wrong.
  void remove(const Digest& file);

  // Whether no table was dropped so far.
  [[nodiscard]] bool has_room() const noexcept { return has_room_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t memory_bytes() const;
  void count_use() noexcept { n_uses_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t n_uses() const noexcept { return n_uses_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] std::unique_lock<std::mutex> lock() const;

  const std::size_t most_bytes_;
  const std::uint64_t n_forks_;  // when it was made
  std::atomic<bool> has_room_;
  std::atomic<std::uint64_t> n_uses_{0};

  mutable std::mutex mutex_;  // guards the following
  std::map<Digest, std::shared_ptr<const jpeg::SeekTable>> tables_;
  std::size_t bytes_ = 0;
};

// Null for no bytes.
[[nodiscard]] std::shared_ptr<JpegSeekIndex> make_seek_index(std::size_t most_bytes);

}  // namespace fastbatch
