// SPDX-License-Identifier: MIT
#include "source/block_space.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "common/error.h"
#include "common/stop.h"
#include "platform/fork.h"
#include "platform/mapping.h"

namespace fastbatch {
namespace {

constexpr int kMostLosses = 100;  // of a block during one read
constexpr std::chrono::milliseconds kStopInterval{50};

constinit std::atomic<std::uint64_t> n_spaces{0};
thread_local constinit UseCollector* collector = nullptr;

}  // namespace

UseCollector::UseCollector() noexcept : outer_(std::exchange(collector, this)) {}

UseCollector::~UseCollector() { collector = outer_; }

std::vector<BlockUse> BlockPager::take_wanted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(wanted_, {});
}

std::shared_ptr<BlockSpace> BlockPager::find(std::uint64_t space) {
  const std::lock_guard lock(mutex_);
  const auto found = spaces_.find(space);
  return found == spaces_.end() ? nullptr : found->second->weak_from_this().lock();
}

void BlockPager::drop_least() {
  auto one = mapped_.begin();
  while (one != mapped_.end() && mapped_.size() > 1 &&
         (mapped_.size() > limits_.blocks || mapped_bytes_ > limits_.bytes)) {
    const Rank least = *one++;
    if (least.is_foreseen && least.order == ~std::uint64_t{0}) break;  // it is needed, and so are all that follow
    BlockSpace& space = *spaces_.at(least.space);
    if (space.pins_.contains(least.block)) continue;
    map_over(space.pages_of(least.block), empty_, space.name_);
    forget(least);
    space.next_uses_.erase(least.block);
  }
}

void BlockPager::forget(const Rank& rank) {
  BlockSpace& space = *spaces_.at(rank.space);
  mapped_bytes_ -= space.blocks_[rank.block].size;
  space.mapped_.erase(rank.block);
  mapped_.erase(rank);
}

BlockSpace::BlockSpace(std::shared_ptr<BlockPager> pager, std::string name, std::vector<Block> blocks,
                       Names block_names)
    : pager_(std::move(pager)),
      id_(n_spaces.fetch_add(1, std::memory_order_relaxed)),
      made_at_(count_forks()),
      name_(std::move(name)),
      blocks_(std::move(blocks)),
      block_names_(std::move(block_names)) {
  std::uint64_t end = 0;
  for (const Block& block : blocks_) {
    if (block.start % page_bytes() != 0 || block.start < end || block.size > PTRDIFF_MAX - block.start) {
      throw std::invalid_argument("blocks: expected ascending offsets of pages, found " + std::to_string(block.start));
    }
    end = block.start + block.size;
  }
  if (block_names_.size() != 0 && block_names_.size() != blocks_.size()) {
    throw std::invalid_argument("block_names: expected " + std::to_string(blocks_.size()) + ", found " +
                                std::to_string(block_names_.size()));
  }
  if (end > 0) bytes_ = reserve_space(end, pager_->empty_, name_);
  const std::lock_guard lock(pager_->mutex_);
  pager_->spaces_[id_] = this;
}

BlockSpace::~BlockSpace() {
  if (made_at_ == count_forks()) {
    const std::lock_guard lock(pager_->mutex_);
    while (!mapped_.empty()) pager_->forget(BlockPager::Rank(mapped_.begin()->second));
    pager_->spaces_.erase(id_);
  }
  if (!bytes_.empty()) unmap_file(bytes_);
}

bool BlockSpace::is_here(std::uint64_t block) const {
  const std::lock_guard lock(pager_->mutex_);
  return mapped_.contains(block);
}

std::uint64_t BlockSpace::block_at(std::uint64_t offset) const noexcept {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), offset,
                                      [](std::uint64_t at, const Block& block) { return at < block.start; });
  return static_cast<std::uint64_t>(after - blocks_.begin()) - 1;
}

std::span<const std::byte> BlockSpace::pages_of(std::uint64_t block) const noexcept {
  return bytes_.subspan(static_cast<std::size_t>(blocks_[block].start), static_cast<std::size_t>(blocks_[block].size));
}

std::string BlockSpace::name_of(std::uint64_t block) const {
  return block_names_.size() == 0 ? name_ : std::string(block_names_[block]);
}

void BlockSpace::throw_failure(std::uint64_t block, const Failure& failure) const {
  if (failure.code == 0) throw FormatError({name_of(block)}, failure.message);
  throw FileError({name_of(block)}, failure.code, failure.message);
}

void BlockSpace::provide(std::uint64_t block, FileHandle file) {
  const Block& wanted = blocks_.at(block);
  const std::uint64_t found = status_of(file, name_of(block)).size;
  if (found < wanted.size) {
    throw FormatError({name_of(block)}, "a block ends early: expected " + std::to_string(wanted.size) +
                                            " bytes, found " + std::to_string(found));
  }
  {
    const std::lock_guard lock(pager_->mutex_);
    if (wanted.size > 0) map_over(pages_of(block), file, name_of(block));
    failures_.erase(block);
    rank(block);
    pager_->drop_least();
  }
  pager_->settled_.notify_all();
}

void BlockSpace::fail(std::uint64_t block, int code, std::string message) {
  {
    const std::lock_guard lock(pager_->mutex_);
    if (block < blocks_.size()) failures_[block] = {code, std::move(message)};
  }
  pager_->settled_.notify_all();
}

void BlockSpace::forget_errors() {
  {
    const std::lock_guard lock(pager_->mutex_);
    failures_.clear();
    ++n_forgotten_;
  }
  pager_->settled_.notify_all();
}

void BlockSpace::foresee(std::uint64_t block, std::uint64_t next_use) {
  const std::lock_guard lock(pager_->mutex_);
  if (block >= blocks_.size()) return;
  next_uses_[block] = next_use;
  if (mapped_.contains(block)) rank(block);
}

void BlockSpace::rank(std::uint64_t block) {
  const auto next = next_uses_.find(block);
  const bool is_foreseen = next != next_uses_.end();
  const BlockPager::Rank now{is_foreseen, is_foreseen ? ~next->second : pager_->n_came_++, id_, block};
  const auto [known, is_new] = mapped_.try_emplace(block, now);
  if (is_new) {
    pager_->mapped_bytes_ += blocks_[block].size;
  } else {
    pager_->mapped_.erase(known->second);
    known->second = now;
  }
  pager_->mapped_.insert(now);
}

void BlockSpace::note_use(std::uint64_t begin, std::uint64_t end) const {
  if (collector == nullptr || begin >= end || begin >= bytes_.size()) return;
  for (std::uint64_t block = block_at(begin); block < blocks_.size() && blocks_[block].start < end; ++block) {
    if (blocks_[block].start + blocks_[block].size > begin) collector->uses.push_back({id_, block});
  }
}

BlockSpace::Need::~Need() {
  if (losses_.empty() || space_.made_at_ != count_forks()) return;
  const std::lock_guard lock(space_.pager_->mutex_);
  for (const auto& [block, n] : losses_) {
    if (--space_.pins_.at(block) == 0) space_.pins_.erase(block);
  }
}

void BlockSpace::Need::await(const std::byte* lost) {
  const std::uint64_t block = space_.block_at(static_cast<std::uint64_t>(lost - space_.bytes_.data()));
  BlockPager& pager = *space_.pager_;
  if (space_.made_at_ != count_forks()) {
    throw FileError({space_.name_of(block)}, ECHILD,
                    "A forked process cannot read what its parent has opened in a store; start it by spawn");
  }
  std::unique_lock lock(pager.mutex_);
  const int n_losses = ++losses_[block];
  if (n_losses == 1) ++space_.pins_[block];
  if (n_losses > kMostLosses) throw FileError({space_.name_of(block)}, EIO);
  const auto mapped = space_.mapped_.find(block);
  if (n_losses > 1 && mapped != space_.mapped_.end()) {  // its file was cut after it had come
    pager.forget(BlockPager::Rank(mapped->second));
  }
  std::optional<std::uint64_t> asked;  // when it was asked for: `n_forgotten_` of then
  while (!space_.mapped_.contains(block)) {
    const auto failure = space_.failures_.find(block);
    if (failure != space_.failures_.end()) space_.throw_failure(block, failure->second);
    if (asked != space_.n_forgotten_) {
      pager.wanted_.push_back({space_.id_, block});
      if (pager.wanted_.size() == 1) ring(pager.bell_);
      asked = space_.n_forgotten_;
    }
    pager.settled_.wait_for(lock, kStopInterval);
    lock.unlock();  // who is asked may wait for a thread that waits for the mutex
    throw_if_stopped();
    lock.lock();
  }
}

}  // namespace fastbatch
