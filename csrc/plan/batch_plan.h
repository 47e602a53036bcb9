// SPDX-License-Identifier: MIT
// The positions of the epoch's order that one rank gets, and their division into batches.
//
// The global position within an epoch counts the samples returned by all ranks together. The rest is distributed round
// robin: rank r gets position + r, position + r + world_size, ... So the position alone is sufficient to resume, with
// any number of ranks.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "plan/order.h"

namespace fastbatch {

// The handling of a number of samples that is not a multiple of the number of ranks.
enum class Tail : std::uint8_t {
  kPad,     // all ranks get one more: the first samples of the order are repeated
  kDrop,    // the last samples are omitted
  kUneven,  // the first ranks get one more
  kMask,    // all batches of all ranks are full: the order is repeated
};

struct Shard {
  std::uint64_t rank = 0;
  std::uint64_t world_size = 1;
  Tail tail = Tail::kPad;
};

// Threads: immutable once built; any thread.
class BatchPlan {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  // From `position` (<= n) to the end of an epoch of n samples (<= 2^63), at most `max_batches` batches.
  // Throws std::invalid_argument for a rank outside [0, world_size), world_size > 2^32, batch_size 0, position > n.
  BatchPlan(std::uint64_t n, std::uint64_t position, Shard shard, std::uint64_t batch_size, bool drop_last,
            std::uint64_t max_batches = kNoLimit);

  [[nodiscard]] std::uint64_t n_samples() const noexcept { return n_samples_; }  // of this rank, in all its batches
  [[nodiscard]] std::uint64_t n_batches() const noexcept { return n_batches_; }
  [[nodiscard]] std::uint64_t batch_size(std::uint64_t k) const noexcept;  // 0 for k >= n_batches()
  [[nodiscard]] std::uint64_t position_after(
      std::uint64_t k) const noexcept;  // global position after k batches of each rank

  // The position of sample `offset` of batch k in the epoch's order; offset < batch_size(k).
  [[nodiscard]] std::uint64_t position(std::uint64_t k, std::uint64_t offset) const noexcept;

  // The source indices of samples [offset, offset + out.size()) of batch k. Throws std::out_of_range beyond the batch.
  // `order.size()` must be n.
  void indices(const Order& order, std::uint64_t k, std::uint64_t offset, std::span<std::uint64_t> out) const;

 private:
  std::uint64_t n_, position_;
  Shard shard_;
  std::uint64_t batch_size_;
  std::uint64_t n_samples_, n_batches_;
};

}  // namespace fastbatch
