// SPDX-License-Identifier: MIT
// The order of one epoch: position within the epoch -> index of the sample in the source. Computed, not stored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/philox.h"
#include "plan/permutation.h"

namespace fastbatch {

class Mixture;

// Items selected by index, in any order, possibly repeated.
// Threads: immutable once built; any thread. Shared by the orders of all epochs, without copies.
class IndexList {
 public:
  explicit IndexList(std::vector<std::uint64_t> items);

  [[nodiscard]] std::uint64_t size() const noexcept { return items_.size(); }
  [[nodiscard]] std::uint64_t at(std::uint64_t i) const noexcept { return items_[i]; }  // i < size()
  [[nodiscard]] std::uint64_t bound() const noexcept { return bound_; }                 // greater than every item

 private:
  std::vector<std::uint64_t> items_;
  std::uint64_t bound_;
};

// A subset of n items: items [start, start + count), after a permutation if `shuffled`; or the `count` items of
// `listed`, with start 0 and no permutation.
struct Subset {
  bool shuffled = false;
  std::uint64_t seed = 0;
  std::uint64_t n = 0;
  std::uint64_t start = 0;
  std::uint64_t count = 0;
  std::shared_ptr<const IndexList> listed = nullptr;
};

enum class Shuffle : std::uint8_t {
  kNone,
  kFull,   // every order is possible
  kBlock,  // blocks of neighbours in random order, samples shuffled within windows of blocks: for slow disks
};

// Blocks of different sizes: the position after the last sample of each, ascending.
using BlockEnds = std::shared_ptr<const std::vector<std::uint64_t>>;

struct ShuffleOptions {
  Shuffle kind = Shuffle::kNone;
  std::uint64_t block_size = 1;  // samples, > 0; the last block may be short
  std::uint64_t window = 1;      // blocks, > 0
  BlockEnds ends = nullptr;      // in place of block_size
};

// Weighted sampling. Items are the samples that remain after the subsets.
struct Draw {
  std::uint64_t n = 0;                // positions in the epoch
  std::vector<double> cumulative;     // with replacement: cumulative weights of the items
  std::vector<std::uint64_t> listed;  // without replacement: the item at each position
};

// Threads: immutable once built; any thread.
class Order {
 public:
  // Of a source of n samples, narrowed by `subsets`: the first is a subset of the source, each further one of the
  // subset before it. With a `mixture` of n samples, these are its samples. Throws std::invalid_argument if a subset,
  // the mixture or the ends of the blocks do not fit.
  Order(std::uint64_t n, std::span<const Subset> subsets, ShuffleOptions shuffle, std::uint64_t seed,
        std::uint64_t epoch, std::shared_ptr<const Draw> draw = nullptr,
        std::shared_ptr<const Mixture> mixture = nullptr);

  // The same order in another epoch.
  [[nodiscard]] Order in_epoch(std::uint64_t epoch) const;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::uint64_t at(std::uint64_t position) const;  // position < size()

  // Not all samples have the key of the run. Samples that are drawn with replacement may have several positions, each
  // with its own numbers; those of a mixture have the keys that they have in their part.
  [[nodiscard]] bool has_keys() const noexcept { return mixture_ || (draw_ && draw_->listed.empty()); }
  [[nodiscard]] StreamKey key(std::uint64_t position) const;  // position < size()

  // out[j] = at(first + j * stride); every position < size(). Several times faster than single calls.
  void fill(std::uint64_t first, std::uint64_t stride, std::span<std::uint64_t> out) const;
  // positions[j] = at(positions[j]); ascending positions.
  void map(std::span<std::uint64_t> positions) const;

 private:
  struct Part {
    std::uint64_t start;
    std::optional<Permutation> permutation;
    std::shared_ptr<const IndexList> listed;
  };

  // What in_epoch() needs.
  struct Given {
    std::uint64_t n;
    std::vector<Subset> subsets;
    ShuffleOptions shuffle;
  };

  void order_items(std::span<std::uint64_t> positions) const noexcept;  // positions -> samples, or those of mixture_
  void draw(std::span<std::uint64_t> positions) const noexcept;         // positions -> items
  void mix_blocks(std::span<std::uint64_t> positions) const noexcept;   // positions, ascending -> indices
  void mix_uneven_blocks(std::span<std::uint64_t> positions) const noexcept;  // the same with slots_
  void place_uneven_blocks(const std::vector<std::uint64_t>& ends);           // sets slots_
  [[nodiscard]] std::uint64_t place(std::uint64_t position) const noexcept;
  [[nodiscard]] std::uint64_t first_position(std::uint64_t slot) const noexcept;

  std::vector<Part> parts_;  // in reverse order of the subsets
  std::uint64_t size_;
  std::uint64_t seed_, epoch_;
  std::shared_ptr<const Draw> draw_;
  std::shared_ptr<const Mixture> mixture_;
  std::shared_ptr<const Given> given_;
  std::optional<Permutation> permutation_;  // of samples or of blocks; none without shuffle
  // Block shuffle with blocks of different sizes; empty otherwise.
  struct Slot {
    std::uint64_t end;    // the position after its last
    std::uint64_t shift;  // of its positions to samples, modulo 2^64
  };
  std::vector<Slot> slots_;
  // Block shuffle with blocks of one size; 0 otherwise.
  std::uint64_t block_size_ = 0;  // samples
  std::uint64_t window_ = 0;      // blocks, of either kind
  std::uint64_t short_slot_ = 0;  // slot of the last, short block
  std::uint64_t missing_ = 0;     // samples missing in that block
};

}  // namespace fastbatch
