// SPDX-License-Identifier: MIT
#include "batch/buffer_pool.h"

#include <algorithm>

#include "platform/fork.h"
#include "platform/memory.h"
#include "platform/short_lock.h"

namespace fastbatch {

namespace {
// An address that no other living thread has.
const void* this_thread() noexcept {
  thread_local const char here = 0;
  return &here;
}
}  // namespace

void FreeAligned::operator()(std::byte* memory) const noexcept { free_pages(memory); }

AlignedBuffer allocate_aligned(std::size_t bytes) { return AlignedBuffer(allocate_pages(bytes)); }

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    buffer_ = std::move(other.buffer_);
    pool_ = std::move(other.pool_);
    thread_ = other.thread_;
  }
  return *this;
}

void Lease::give_back() noexcept {
  if (buffer_ && pool_) pool_->take_back(std::move(buffer_), thread_);
  buffer_.reset();
  pool_.reset();
}

std::shared_ptr<BufferPool> BufferPool::create(std::size_t bytes, std::size_t keep) {
  return std::shared_ptr<BufferPool>(new BufferPool(bytes, keep));  // make_shared cannot call the private constructor
}

BufferPool::BufferPool(std::size_t bytes, std::size_t keep) : bytes_(bytes), made_at_(count_forks()), keep_(keep) {
  idle_.reserve(keep);  // so that take_back never allocates
}

Lease BufferPool::acquire() {
  constexpr std::size_t kSmall = std::size_t{32} << 10;  // is copied in less time than it takes to choose
  const void* const thread = bytes_ < kSmall ? nullptr : this_thread();
  {
    const auto lock = lock_shortly(mutex_);
    if (!idle_.empty()) {
      const auto is_own = [&](const Idle& one) { return one.thread == thread; };
      const auto own = thread == nullptr ? idle_.rend() : std::find_if(idle_.rbegin(), idle_.rend(), is_own);
      if (own != idle_.rend()) std::swap(*own, idle_.back());
      AlignedBuffer buffer = std::move(idle_.back().buffer);
      idle_.pop_back();
      return {std::move(buffer), shared_from_this(), thread};
    }
  }
  return {allocate_aligned(bytes_), shared_from_this(), thread};
}

void BufferPool::take_back(AlignedBuffer buffer, const void* thread) noexcept {
  if (count_forks() != made_at_) return;  // in a forked child mutex_ may be locked: only free the buffer
  const auto lock = lock_shortly(mutex_);
  if (idle_.size() < keep_) idle_.push_back({std::move(buffer), thread});
}

void BufferPool::keep_none() noexcept {
  if (count_forks() != made_at_) return;
  std::vector<Idle> freed;  // after the lock is released
  const auto lock = lock_shortly(mutex_);
  keep_ = 0;
  freed.swap(idle_);
}

}  // namespace fastbatch
