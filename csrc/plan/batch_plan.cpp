// SPDX-License-Identifier: MIT
#include "plan/batch_plan.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace fastbatch {
namespace {

constexpr std::uint64_t kMaxWorldSize = std::uint64_t{1} << 32;

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) noexcept { return a / b + (a % b != 0); }

std::uint64_t multiply_capped(std::uint64_t a, std::uint64_t b) noexcept {
  const Product product = multiply_wide(a, b);
  return product.high == 0 ? product.low : std::numeric_limits<std::uint64_t>::max();
}

// The number of `left` samples that a rank gets.
std::uint64_t share(std::uint64_t left, const Shard& shard, std::uint64_t batch_size) noexcept {
  switch (shard.tail) {
    case Tail::kPad: return divide_up(left, shard.world_size);
    case Tail::kDrop: return left / shard.world_size;
    case Tail::kUneven: return left / shard.world_size + (left % shard.world_size > shard.rank);
    case Tail::kMask: return multiply_capped(divide_up(divide_up(left, shard.world_size), batch_size), batch_size);
  }
  return 0;
}

}  // namespace

BatchPlan::BatchPlan(std::uint64_t n, std::uint64_t position, Shard shard, std::uint64_t batch_size, bool drop_last,
                     std::uint64_t max_batches)
    : n_(n), position_(position), shard_(shard), batch_size_(batch_size) {
  if (n > Permutation::kMaxSize) throw std::invalid_argument("more than 2^63 samples: " + std::to_string(n));
  if (position > n) {
    throw std::invalid_argument("position " + std::to_string(position) + " is beyond the epoch of " +
                                std::to_string(n));
  }
  if (shard.world_size > kMaxWorldSize || shard.rank >= shard.world_size) {
    throw std::invalid_argument("rank " + std::to_string(shard.rank) + " of " + std::to_string(shard.world_size));
  }
  if (batch_size == 0) throw std::invalid_argument("batch_size 0");
  const std::uint64_t mine = share(n - position, shard, batch_size);
  const std::uint64_t full = mine / batch_size;
  n_batches_ = std::min(drop_last ? full : divide_up(mine, batch_size), max_batches);
  n_samples_ = std::min(mine, multiply_capped(n_batches_, batch_size));
}

std::uint64_t BatchPlan::batch_size(std::uint64_t k) const noexcept {
  return k < n_batches_ ? std::min(batch_size_, n_samples_ - k * batch_size_) : 0;
}

std::uint64_t BatchPlan::position_after(std::uint64_t k) const noexcept {
  const std::uint64_t handed_out = multiply_capped(multiply_capped(k, batch_size_), shard_.world_size);
  return position_ + std::min(handed_out, n_ - position_);
}

std::uint64_t BatchPlan::position(std::uint64_t k, std::uint64_t offset) const noexcept {
  const std::uint64_t position = position_ + shard_.rank + (k * batch_size_ + offset) * shard_.world_size;
  return position < n_ ? position : (position - n_) % n_;
}

void BatchPlan::indices(const Order& order, std::uint64_t k, std::uint64_t offset, std::span<std::uint64_t> out) const {
  const std::uint64_t size = batch_size(k);
  if (offset > size || out.size() > size - offset) {
    throw std::out_of_range("samples " + std::to_string(offset) + " to " + std::to_string(offset + out.size()) +
                            " of batch " + std::to_string(k) + ", which has " + std::to_string(size));
  }
  if (out.empty()) return;
  const std::uint64_t world = shard_.world_size;
  const std::uint64_t first = position_ + shard_.rank + (k * batch_size_ + offset) * world;
  const std::uint64_t left =
      first < n_ ? divide_up(n_ - first, world) : 0;  // samples of this rank up to the end of the epoch
  const std::size_t n_real = std::min(out.size(), static_cast<std::size_t>(left));
  order.fill(first, world, out.first(n_real));
  // Padding: at most one sample, or the rest of a batch of Tail::kMask. The order may repeat several times.
  for (std::size_t j = n_real; j < out.size(); ++j) out[j] = order.at((first + j * world - n_) % n_);
}

}  // namespace fastbatch
