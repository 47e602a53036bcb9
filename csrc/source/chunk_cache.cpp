// SPDX-License-Identifier: MIT
#include "source/chunk_cache.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "common/error.h"
#include "platform/fork.h"
#include "platform/short_lock.h"

namespace fastbatch {

namespace {
std::uint64_t next_id() noexcept {
  static constinit std::atomic<std::uint64_t> n_made{0};
  return n_made.fetch_add(1, std::memory_order_relaxed) + 1;
}
}  // namespace

struct ChunkCache::State {
  struct Entry {
    Held chunk;                                  // null while it is being loaded, and after an error
    std::exception_ptr error;                    // of the data
    bool is_ahead = false;                       // nobody has used it yet
    std::list<std::uint64_t>::iterator place{};  // in `used`; valid if `chunk`
  };

  std::uint64_t n_forks = count_forks();
  std::mutex mutex;                 // guards everything below
  std::condition_variable settled;  // a chunk was loaded, or failed
  std::unordered_map<std::uint64_t, Entry> entries;
  std::list<std::uint64_t> used;  // loaded chunks, the last used first
  std::size_t bytes = 0;          // of all loaded chunks
  std::size_t bytes_ahead = 0;    // of those that nobody has used yet
};

ChunkCache::ChunkCache(std::shared_ptr<const ChunkSource> source, std::vector<std::uint64_t> ends,
                       std::size_t most_bytes)
    : id_(next_id()), source_(std::move(source)), ends_(std::move(ends)), most_bytes_(most_bytes), state_(nullptr) {
  if (!std::is_sorted(ends_.begin(), ends_.end())) {
    throw std::invalid_argument("chunks: expected ascending ends, found others");
  }
  state_ = new State;  // NOLINT(cppcoreguidelines-owning-memory): see state()
}

ChunkCache::~ChunkCache() {
  const State* state = state_.load();
  if (state->n_forks == count_forks()) delete state;  // NOLINT(cppcoreguidelines-owning-memory)
}

std::uint64_t ChunkCache::chunk_of(std::uint64_t row) const noexcept {
  return static_cast<std::uint64_t>(std::upper_bound(ends_.begin(), ends_.end(), row) - ends_.begin());
}

ChunkCache::State& ChunkCache::state() {
  State* known = state_.load(std::memory_order_acquire);
  if (known->n_forks == count_forks()) return *known;
  auto fresh = std::make_unique<State>();
  // The parent's state is leaked: its chunks may belong to threads that are not there.
  if (state_.compare_exchange_strong(known, fresh.get())) return *fresh.release();
  return *known;
}

ChunkCache::Held ChunkCache::get(std::uint64_t k) { return acquire(k, Wish::kWait); }

ChunkCache::Held ChunkCache::get_unless_busy(std::uint64_t k) { return acquire(k, Wish::kUnlessBusy); }

std::size_t ChunkCache::load_ahead(std::uint64_t k) {
  const Held loaded = acquire(k, Wish::kAhead);
  return loaded ? loaded->bytes : 0;
}

std::size_t ChunkCache::load_ahead(std::span<const std::uint64_t> rows) {
  std::uint64_t last = n_chunks();
  for (const std::uint64_t row : rows) {
    const std::uint64_t k = chunk_of(row);
    if (std::exchange(last, k) == k) continue;
    if (const std::size_t bytes = load_ahead(k); bytes > 0) return bytes;
  }
  return 0;
}

ChunkCache::Held ChunkCache::acquire(std::uint64_t k, Wish wish) {
  State& state = this->state();
  {
    std::unique_lock lock = lock_shortly(state.mutex);
    for (auto found = state.entries.find(k); found != state.entries.end(); found = state.entries.find(k)) {
      State::Entry& entry = found->second;
      if (wish == Wish::kAhead) return nullptr;
      if (entry.chunk) {
        if (std::exchange(entry.is_ahead, false)) state.bytes_ahead -= entry.chunk->bytes;
        state.used.splice(state.used.begin(), state.used, entry.place);
        return entry.chunk;
      }
      if (entry.error) std::rethrow_exception(entry.error);
      if (wish == Wish::kUnlessBusy) return nullptr;
      state.settled.wait(lock);
    }
    if (wish == Wish::kAhead && state.bytes_ahead >= most_bytes_ / 2) return nullptr;
    state.entries[k];  // busy
  }
  return load(state, k, wish == Wish::kAhead);
}

ChunkCache::Held ChunkCache::load(State& state, std::uint64_t k, bool is_ahead) {
  Held chunk;
  std::exception_ptr error;
  bool is_lasting = false;
  try {
    chunk = std::make_shared<const Chunk>(source_->load(k));
  } catch (const FormatError&) {
    error = std::current_exception();
    is_lasting = true;
  } catch (const DecodeError&) {
    error = std::current_exception();
    is_lasting = true;
  } catch (...) {
    error = std::current_exception();
  }
  std::vector<Held> dropped;  // freed outside the lock: their memory may be Python's
  {
    const std::lock_guard lock(state.mutex);
    State::Entry& entry = state.entries[k];
    if (chunk) {
      state.used.push_front(k);
      entry.place = state.used.begin();
      entry.chunk = chunk;
      entry.is_ahead = is_ahead;
      state.bytes += chunk->bytes;
      if (is_ahead) state.bytes_ahead += chunk->bytes;
      while (state.bytes > most_bytes_ && state.used.size() > 1) {
        const auto last = state.entries.find(state.used.back());
        state.bytes -= last->second.chunk->bytes;
        if (last->second.is_ahead) state.bytes_ahead -= last->second.chunk->bytes;
        dropped.push_back(std::move(last->second.chunk));
        state.entries.erase(last);
        state.used.pop_back();
      }
    } else if (is_lasting) {
      entry.error = error;
    } else {
      state.entries.erase(k);
    }
  }
  state.settled.notify_all();
  if (error) std::rethrow_exception(error);
  return chunk;
}

}  // namespace fastbatch
