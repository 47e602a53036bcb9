// SPDX-License-Identifier: MIT
#include "text/run.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "text/items.h"

namespace fastbatch {

// Recycled blocks, whose memory is already mapped. Outlives the run while a batch holds a block.
class TextBlockPool : public std::enable_shared_from_this<TextBlockPool> {
 public:
  TextBlockPool(std::size_t n_idle, std::size_t usual_size) : n_idle_(n_idle), usual_size_(usual_size) {}

  std::shared_ptr<TextBlock> take() {
    std::unique_ptr<TextBlock> block;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        block = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!block) block = std::make_unique<TextBlock>();
    block->clear();
    return {block.release(),
            [pool = shared_from_this()](TextBlock* used) { pool->give(std::unique_ptr<TextBlock>(used)); }};
  }

 private:
  void give(std::unique_ptr<TextBlock> block) {
    if (block->text.capacity() > 2 * usual_size_) return;  // memory that grew for a long word is not kept
    const std::lock_guard lock(mutex_);
    if (idle_.size() < n_idle_) idle_.push_back(std::move(block));
  }

  const std::size_t n_idle_, usual_size_;
  std::mutex mutex_;  // guards idle_
  std::vector<std::unique_ptr<TextBlock>> idle_;
};

namespace {

// The position after the first n items of a block; for lines, after the newline.
TextPosition place_after(const TextBlock& block, std::size_t n, TextItem item) {
  if (n == 0) return block.position_of(0);
  const std::uint32_t* const spans = block.spans.get();
  const std::size_t end = spans[2 * n - 1];
  if (item == TextItem::kWord || block.text.data()[end - 1] != std::byte{'\n'}) return block.position_of(end);
  const std::size_t next = n < block.n_items ? spans[2 * n] : block.text.size();
  TextPosition place = block.position_of(end - 1);
  place.byte += 1 + (next - end);  // of "\r\n" one byte belongs to the line, the other lies between lines
  return place;
}

}  // namespace

TextRun::TextRun(std::unique_ptr<TextSource> source, Options options)
    : source_(std::move(source)),
      options_(std::move(options)),
      pool_(std::make_shared<TextBlockPool>(options_.blocks_ahead + 1, 2 * options_.format.block_size)) {
  const std::size_t n_threads = std::min<std::size_t>(options_.threads, options_.blocks_ahead);
  if (options_.number_recent) recent_.resize(n_threads);
  try {
    for (std::size_t i = 0; i < n_threads; ++i) threads_.emplace_back([this, i] { work(i); });
  } catch (...) {
    close();  // joins the threads that were started
    throw;
  }
}

TextRun::~TextRun() { close(); }

void TextRun::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  filled_.notify_all();
  for (JoinedThread& thread : threads_) thread.join();
}

// ---- the prefetch threads ------------------------------------------------------------------------------------------

void TextRun::work(std::size_t thread) noexcept {
  while (wait_for_room()) {
    std::uint64_t number = 0;
    Slot slot = make(number, thread);
    if (!slot.block && !slot.error && number == kNoBlock) return;
    publish(number, std::move(slot));
  }
}

bool TextRun::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return closed_ || claimed_ < options_.blocks_ahead; });
  if (closed_) return false;
  ++claimed_;
  return true;
}

// Reads the next block and finds its items. Sets `number` to kNoBlock if another thread has reached the end.
TextRun::Slot TextRun::make(std::uint64_t& number, std::size_t thread) {
  number = kNoBlock;
  Slot slot;
  try {
    {
      const std::lock_guard lock(source_mutex_);
      if (source_has_ended_) return {};
      number = next_block_++;
      source_has_ended_ = true;  // also if the following code throws
      slot.block = pool_->take();
      if (!source_->read(*slot.block)) return {};
      source_has_ended_ = false;
    }
    find_items(*slot.block, options_.format, *source_);
    if (options_.pack) pack_items(*slot.block, options_.chop);
    if (options_.vocabulary) {
      slot.block->ids.resize(slot.block->n_items);
      options_.vocabulary->ids(*slot.block, slot.block->ids);
    } else if (options_.number_recent) {
      slot.block->lane = thread;
      recent_[thread].number(*slot.block);
    }
  } catch (...) {
    slot = {nullptr, std::current_exception()};
  }
  return slot;
}

void TextRun::publish(std::uint64_t number, Slot slot) {
  {
    const std::lock_guard lock(mutex_);
    const auto place = static_cast<std::size_t>(number - first_);
    if (window_.size() <= place) window_.resize(place + 1);
    window_[place] = std::move(slot);
    if (place != 0) return;
  }
  filled_.notify_one();
}

// ---- the consumer --------------------------------------------------------------------------------------------------

TextRun::Status TextRun::next(std::chrono::milliseconds timeout, TextBatch& batch) {
  const std::lock_guard lock(consumer_mutex_);
  return assemble(timeout, batch);
}

TextRun::Status TextRun::try_next(TextBatch& batch) {
  const std::unique_lock lock(consumer_mutex_, std::try_to_lock);
  return lock.owns_lock() ? assemble(std::chrono::milliseconds{0}, batch) : Status::kTimeout;
}

TextRun::Status TextRun::assemble(std::chrono::milliseconds timeout, TextBatch& batch) {
  for (;;) {
    if (closed_) throw ClosedError("the loader was closed");
    if (n_batches_ >= options_.most_batches) return Status::kEnd;
    switch (supply(timeout)) {
      case Supply::kTimeout: return Status::kTimeout;
      case Supply::kNone: {
        const bool is_whole = building_.n_items == options_.batch_size;
        if (is_whole || (building_.n_items != 0 && !options_.drop_last && !error_)) return deliver(batch);
        building_ = {};
        front_.reset();
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
        return Status::kEnd;
      }
      case Supply::kItems: break;
    }
    pass_items();
    if (in_batch_ < options_.batch_size) continue;
    in_batch_ = 0;
    if (++in_round_ == options_.world_size) return deliver(batch);
  }
}

// Ensures that front_ has an unused item.
TextRun::Supply TextRun::supply(std::chrono::milliseconds timeout) {
  while (!front_ || front_used_ == front_->n_items) {
    if (front_ && front_->error) {
      error_ = front_->error;
      ended_ = true;
    }
    if (ended_) return Supply::kNone;
    std::unique_lock lock(mutex_);
    const auto is_filled = [this] { return closed_ || (!window_.empty() && window_.front()); };
    if (!is_filled() && (timeout.count() == 0 || !filled_.wait_for(lock, timeout, is_filled))) return Supply::kTimeout;
    if (closed_) throw ClosedError("the loader was closed");
    Slot slot = std::move(*window_.front());
    window_.pop_front();
    ++first_;
    --claimed_;
    lock.unlock();
    room_.notify_one();
    error_ = slot.error;
    ended_ = slot.error || !slot.block;
    if (slot.block) {
      front_ = std::move(slot.block);
      front_used_ = 0;
    }
  }
  return Supply::kItems;
}

// Passes items of front_ until the end of the batch or of the block; keeps them if the batch is this rank's.
void TextRun::pass_items() {
  const std::size_t n = std::min(options_.batch_size - in_batch_, front_->n_items - front_used_);
  if (in_round_ == options_.rank) {
    building_.parts.push_back({front_, front_used_, n});
    building_.n_items += n;
  }
  front_used_ += n;
  in_batch_ += n;
  n_items_ += n;
}

TextRun::Status TextRun::deliver(TextBatch& batch) {
  building_.number = n_batches_++;
  building_.after = place_after(*front_, front_used_, options_.format.item);
  building_.items_after = n_items_;
  in_round_ = 0;
  batch = std::exchange(building_, {});
  return Status::kBatch;
}

}  // namespace fastbatch
