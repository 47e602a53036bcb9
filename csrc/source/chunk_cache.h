// SPDX-License-Identifier: MIT
// Rows that are stored in chunks, each of which can only be read as a whole: compressed chunks of HDF5, row groups of
// Parquet. The cache keeps the chunks that were used last.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "source/array_view.h"

namespace fastbatch {

struct Chunk {
  std::vector<ArrayView> fields;  // arrays in memory over the rows of the chunk, one per field; each has its owner
  std::size_t bytes = 0;
};

// Threads: immutable once built; any.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  // Reads chunk k. Throws FormatError, DecodeError, FileError, std::bad_alloc.
  [[nodiscard]] virtual Chunk load(std::uint64_t k) const = 0;
};

// Threads: any. A chunk that several threads want is loaded by one of them.
// Fork: the child begins with an empty cache, since the lock may be held by a thread that it does not have.
class ChunkCache {
 public:
  using Held = std::shared_ptr<const Chunk>;

  // `ends`: the row after the last of each chunk, ascending. `most_bytes`: of the chunks that are kept; those in use
  // come on top. Throws std::invalid_argument if the ends descend.
  ChunkCache(std::shared_ptr<const ChunkSource> source, std::vector<std::uint64_t> ends, std::size_t most_bytes);
  ~ChunkCache();
  ChunkCache(const ChunkCache&) = delete;
  ChunkCache& operator=(const ChunkCache&) = delete;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }  // no other cache of the process has it
  [[nodiscard]] std::uint64_t n_chunks() const noexcept { return ends_.size(); }
  [[nodiscard]] std::uint64_t n_rows() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
  [[nodiscard]] std::uint64_t first_row(std::uint64_t k) const noexcept { return k == 0 ? 0 : ends_[k - 1]; }
  [[nodiscard]] std::uint64_t end_row(std::uint64_t k) const noexcept { return ends_[k]; }
  [[nodiscard]] std::uint64_t chunk_of(std::uint64_t row) const noexcept;  // row < n_rows()

  // Chunk k < n_chunks(); waits if another thread is loading it. Throws what load() throws. An error of the data is
  // kept like the chunk, an error of the system is not.
  Held get(std::uint64_t k);
  Held get_unless_busy(std::uint64_t k);  // null if another thread is loading it

  // Loads a chunk that will be needed soon, unless it is there, is being loaded, or half of the memory is full of
  // chunks that were loaded ahead. Returns the bytes that were loaded.
  std::size_t load_ahead(std::uint64_t k);
  // The same with the first chunk of those of some rows that can be loaded. As Decoder::advise().
  std::size_t load_ahead(std::span<const std::uint64_t> rows);

 private:
  struct State;
  enum class Wish : std::uint8_t { kWait, kUnlessBusy, kAhead };
  [[nodiscard]] State& state();
  Held acquire(std::uint64_t k, Wish wish);
  Held load(State& state, std::uint64_t k, bool is_ahead);

  const std::uint64_t id_;
  const std::shared_ptr<const ChunkSource> source_;
  const std::vector<std::uint64_t> ends_;
  const std::size_t most_bytes_;
  std::atomic<State*> state_;  // owned; of this process, or still of the one it was forked from
};

}  // namespace fastbatch
