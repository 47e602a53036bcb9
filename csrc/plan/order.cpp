// SPDX-License-Identifier: MIT
#include "plan/order.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>
#include <string>

#include "plan/mixture.h"

namespace fastbatch {
namespace {

constexpr std::size_t kChunk = 64;  // samples per group of block lookups

void check(const Subset& subset, std::uint64_t n) {
  if (subset.n != n) {
    throw std::invalid_argument("subset: expected one of " + std::to_string(n) + " samples, found one of " +
                                std::to_string(subset.n));
  }
  if (!subset.listed && (subset.start > n || subset.count > n - subset.start)) {
    throw std::invalid_argument("subset: expected samples from 0 to " + std::to_string(n) + ", found " +
                                std::to_string(subset.count) + " from " + std::to_string(subset.start) + " on");
  }
  if (!subset.listed) return;
  if (subset.shuffled || subset.start != 0 || subset.listed->size() != subset.count || subset.listed->bound() > n) {
    throw std::invalid_argument("subset: expected a list of " + std::to_string(subset.count) + " out of " +
                                std::to_string(n) + " samples, not shuffled, found " +
                                std::to_string(subset.listed->size()) + " up to " +
                                std::to_string(subset.listed->bound()));
  }
}

}  // namespace

IndexList::IndexList(std::vector<std::uint64_t> items) : items_(std::move(items)), bound_(0) {
  if (items_.empty()) return;
  const std::uint64_t most = *std::max_element(items_.begin(), items_.end());
  if (most >= Permutation::kMaxSize)
    throw std::invalid_argument("expected indices of samples below 2^63, found " + std::to_string(most));
  bound_ = most + 1;
}

Order::Order(std::uint64_t n, std::span<const Subset> subsets, ShuffleOptions shuffle, std::uint64_t seed,
             std::uint64_t epoch, std::shared_ptr<const Draw> draw, std::shared_ptr<const Mixture> mixture)
    : size_(n),
      seed_(seed),
      epoch_(epoch),
      draw_(std::move(draw)),
      mixture_(std::move(mixture)),
      given_(std::make_shared<Given>(Given{n, {subsets.begin(), subsets.end()}, shuffle})) {
  if (n > Permutation::kMaxSize)
    throw std::invalid_argument("expected at most 2^63 samples, found " + std::to_string(n));
  if (mixture_ && mixture_->size() != n)
    throw std::invalid_argument("expected a mixture of " + std::to_string(n) + " samples, found one of " +
                                std::to_string(mixture_->size()));
  if (shuffle.block_size == 0 || shuffle.window == 0) {
    throw std::invalid_argument("block shuffle: expected a block size and a window of at least 1, found 0");
  }
  for (const Subset& subset : subsets) {
    check(subset, size_);
    std::optional<Permutation> permutation;
    if (subset.shuffled) permutation.emplace(subset.n, Stream(subset.seed, 0, 0, Purpose::kSplit));
    parts_.insert(parts_.begin(), {subset.start, permutation, subset.listed});
    size_ = subset.count;
  }
  if (draw_) {
    const auto outside = [&](std::uint64_t item) { return item >= size_; };
    const bool fits = draw_->listed.empty() ? draw_->cumulative.size() == size_ && (draw_->n == 0 || size_ > 0)
                                            : draw_->listed.size() == draw_->n &&
                                                  std::none_of(draw_->listed.begin(), draw_->listed.end(), outside);
    if (!fits) throw std::invalid_argument("expected weights for " + std::to_string(size_) + " samples, found others");
    size_ = draw_->n;
    return;
  }
  if (size_ == 0 || shuffle.kind == Shuffle::kNone) return;
  const Stream keys(seed, epoch, 0, Purpose::kEpochOrder);
  if (shuffle.kind == Shuffle::kFull) {
    permutation_.emplace(size_, keys);
    return;
  }
  if (shuffle.ends) {
    if (shuffle.ends->empty() || shuffle.ends->back() != size_ ||
        !std::is_sorted(shuffle.ends->begin(), shuffle.ends->end())) {
      throw std::invalid_argument("block shuffle: expected ascending ends of blocks up to " + std::to_string(size_) +
                                  ", found others");
    }
    window_ = std::min<std::uint64_t>(shuffle.window, shuffle.ends->size());
    permutation_.emplace(shuffle.ends->size(), keys);
    place_uneven_blocks(*shuffle.ends);
    return;
  }
  block_size_ = std::min(shuffle.block_size, size_);
  const std::uint64_t n_blocks = (size_ - 1) / block_size_ + 1;
  window_ = std::min(shuffle.window, n_blocks);
  permutation_.emplace(n_blocks, keys);
  short_slot_ = permutation_->inverse(n_blocks - 1);
  missing_ = n_blocks * block_size_ - size_;
}

Order Order::in_epoch(std::uint64_t epoch) const {
  return {given_->n, given_->subsets, given_->shuffle, seed_, epoch, draw_, mixture_};
}

std::uint64_t Order::at(std::uint64_t position) const {
  map({&position, 1});
  return position;
}

void Order::fill(std::uint64_t first, std::uint64_t stride, std::span<std::uint64_t> out) const {
  assert(out.empty() || first + (out.size() - 1) * stride < size_);
  for (std::size_t j = 0; j < out.size(); ++j) out[j] = first + j * stride;
  map(out);
}

void Order::map(std::span<std::uint64_t> positions) const {
  order_items(positions);
  if (mixture_) mixture_->indices(epoch_, positions);
}

StreamKey Order::key(std::uint64_t position) const {
  if (draw_ && draw_->listed.empty()) return {seed_, Stream(seed_, epoch_, 1, Purpose::kDraw).at(position)};
  if (!mixture_) return {seed_, epoch_};
  order_items({&position, 1});
  return mixture_->key(epoch_, position);
}

void Order::order_items(std::span<std::uint64_t> out) const noexcept {
  if (draw_) {
    draw(out);
  } else if (!slots_.empty()) {
    mix_uneven_blocks(out);
  } else if (block_size_ > 0) {
    mix_blocks(out);
  } else if (permutation_) {
    permutation_->at(out, out);
  }
  for (const Part& part : parts_) {
    if (part.listed) {
      for (std::uint64_t& index : out) index = part.listed->at(index);
      continue;
    }
    for (std::uint64_t& index : out) index += part.start;
    if (part.permutation) part.permutation->at(out, out);
  }
}

void Order::draw(std::span<std::uint64_t> positions) const noexcept {
  const Stream draws(seed_, epoch_, 0, Purpose::kDraw);
  const std::vector<double>& sums = draw_->cumulative;
  for (std::uint64_t& position : positions) {
    if (!draw_->listed.empty()) {
      position = draw_->listed[position];
      continue;
    }
    const double wanted = static_cast<double>(draws.at(position) >> 11) * 0x1p-53 * sums.back();
    const auto above = std::upper_bound(sums.begin(), sums.end(), wanted);
    // Rounding may give the sum itself, which belongs to the last item of positive weight.
    const auto found = above == sums.end() ? std::lower_bound(sums.begin(), sums.end(), sums.back()) : above;
    position = static_cast<std::uint64_t>(found - sums.begin());
  }
}

// Blocks are assigned to slots in random order; samples are shuffled within windows of `window_` slots.
// A sample's position is slot * block_size + offset, with the short block counted as a full one.
void Order::mix_blocks(std::span<std::uint64_t> positions) const noexcept {
  while (!positions.empty()) {
    const std::uint64_t window = place(positions.front()) / block_size_ / window_;
    const std::uint64_t first_slot = window * window_;
    const std::uint64_t begin = first_position(first_slot);
    const std::uint64_t end = first_position(std::min(first_slot + window_, permutation_->size()));
    const auto inside = [&](std::uint64_t position) { return position < end; };
    const auto stop = std::find_if_not(positions.begin(), positions.end(), inside);
    const auto mine = positions.first(static_cast<std::size_t>(stop - positions.begin()));
    const Permutation inner(end - begin, Stream(seed_, epoch_, 1 + window, Purpose::kEpochOrder));

    for (std::uint64_t& position : mine) position -= begin;
    inner.at(mine, mine);
    for (std::size_t done = 0; done < mine.size(); done += kChunk) {
      std::array<std::uint64_t, kChunk> blocks;
      const auto chunk = mine.subspan(done, std::min(kChunk, mine.size() - done));
      for (std::size_t j = 0; j < chunk.size(); ++j) {
        const std::uint64_t mixed = place(begin + chunk[j]);
        blocks[j] = mixed / block_size_;
        chunk[j] = mixed % block_size_;
      }
      permutation_->at({blocks.data(), chunk.size()}, {blocks.data(), chunk.size()});
      for (std::size_t j = 0; j < chunk.size(); ++j) chunk[j] += blocks[j] * block_size_;
    }
    positions = positions.subspan(mine.size());
  }
}

void Order::place_uneven_blocks(const std::vector<std::uint64_t>& ends) {
  slots_.reserve(ends.size());
  std::uint64_t begin = 0;
  for (std::uint64_t slot = 0; slot < ends.size(); ++slot) {
    const std::uint64_t block = permutation_->at(slot);
    const std::uint64_t first = block == 0 ? 0 : ends[block - 1];
    slots_.push_back({begin + ends[block] - first, first - begin});
    begin = slots_.back().end;
  }
}

// As mix_blocks(), with the same result for blocks of one size; slots are found by a search.
void Order::mix_uneven_blocks(std::span<std::uint64_t> positions) const noexcept {
  const auto slot_at = [](std::span<const Slot> slots, std::uint64_t position) {
    return std::upper_bound(slots.begin(), slots.end(), position,
                            [](std::uint64_t wanted, const Slot& slot) { return wanted < slot.end; });
  };
  const std::span<const Slot> all(slots_);
  while (!positions.empty()) {
    const auto window = static_cast<std::uint64_t>(slot_at(all, positions.front()) - all.begin()) / window_;
    const std::uint64_t first = window * window_;
    const std::span<const Slot> slots = all.subspan(first, std::min<std::uint64_t>(window_, all.size() - first));
    const std::uint64_t begin = first == 0 ? 0 : all[first - 1].end;
    const std::uint64_t end = slots.back().end;
    const auto inside = [&](std::uint64_t position) { return position < end; };
    const auto stop = std::find_if_not(positions.begin(), positions.end(), inside);
    const auto mine = positions.first(static_cast<std::size_t>(stop - positions.begin()));
    const Permutation inner(end - begin, Stream(seed_, epoch_, 1 + window, Purpose::kEpochOrder));
    for (std::uint64_t& position : mine) position -= begin;
    inner.at(mine, mine);
    for (std::uint64_t& position : mine) position += begin + slot_at(slots, begin + position)->shift;
    positions = positions.subspan(mine.size());
  }
}

std::uint64_t Order::place(std::uint64_t position) const noexcept {
  return position < first_position(short_slot_ + 1) ? position : position + missing_;
}

std::uint64_t Order::first_position(std::uint64_t slot) const noexcept {
  return slot * block_size_ - (slot > short_slot_ ? missing_ : 0);
}

}  // namespace fastbatch
