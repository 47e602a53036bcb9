// SPDX-License-Identifier: MIT
// Memory of batches: aligned buffers of one size, leased and recycled. A freshly mapped buffer costs a page fault per
// 4 KiB and is 3 to 5 times slower to fill than a used one. A thread gets the buffer back that it had last, if it is
// idle: to fill one whose lines are in another core's cache takes up to a half more time.
// Owner: a Lease owns its buffer and keeps its pool alive; the pool owns the idle buffers.
// Threads: any thread may acquire or drop a lease. After a fork, the child's leases are freed, not recycled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace fastbatch {

struct FreeAligned {
  void operator()(std::byte* memory) const noexcept;
};
using AlignedBuffer = std::unique_ptr<std::byte[], FreeAligned>;

// 64-byte aligned, uninitialised; large buffers are aligned to huge pages and request them. Throws std::bad_alloc.
AlignedBuffer allocate_aligned(std::size_t bytes);

class BufferPool;

// A buffer on loan from its pool until this object is destroyed. Movable; empty when moved from.
class Lease {
 public:
  Lease() = default;
  Lease(AlignedBuffer buffer, std::shared_ptr<BufferPool> pool, const void* thread)
      : buffer_(std::move(buffer)), pool_(std::move(pool)), thread_(thread) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { give_back(); }
  [[nodiscard]] std::byte* data() const noexcept { return buffer_.get(); }

 private:
  void give_back() noexcept;
  AlignedBuffer buffer_;
  std::shared_ptr<BufferPool> pool_;
  const void* thread_ = nullptr;  // names the thread that acquired it; null: no matter
};

class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  // Buffers of `bytes` bytes. At most `keep` idle ones are kept; further returned ones are freed.
  static std::shared_ptr<BufferPool> create(std::size_t bytes, std::size_t keep);
  [[nodiscard]] Lease acquire();  // for this thread to fill
  void take_back(AlignedBuffer buffer, const void* thread) noexcept;
  void keep_none() noexcept;  // frees the idle buffers, and from now on those that are returned

 private:
  BufferPool(std::size_t bytes, std::size_t keep);
  const std::size_t bytes_;
  const std::uint64_t made_at_;  // fork count of the process that may lock mutex_
  std::mutex mutex_;             // guards keep_, idle_
  std::size_t keep_;
  struct Idle {
    AlignedBuffer buffer;
    const void* thread;  // that acquired it last, and may have ended; null: no matter
  };
  std::vector<Idle> idle_;  // last in, first out: the warmest in cache
};

}  // namespace fastbatch
