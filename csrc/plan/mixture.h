// SPDX-License-Identifier: MIT
// Several orders as one: by shares, or one after another. Computed, not stored.
//
// By shares: the parts take turns in a short pattern, the period, which gives part i `weights[i]` turns. Turns go on
// from epoch to epoch of the mixture, and so does each part: when its own epoch ends, its next one begins. One after
// another: epoch e of the mixture is epoch e of the first part, then of the second one, ...
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "plan/order.h"

namespace fastbatch {

// Threads: any.
class Mixture {
 public:
  struct Part {
    Order order;
    std::uint64_t first = 0;  // index of its first sample among those of all parts
  };

  // `turns`: the part of each turn of a period; empty: one after another. `n`: samples of an epoch.
  // Throws std::invalid_argument for no parts, for turns that are no part's, and for a part without samples or turns.
  Mixture(std::vector<Part> parts, std::vector<std::uint16_t> turns, std::uint64_t n);

  [[nodiscard]] std::uint64_t size() const noexcept { return n_; }
  // items[j] = the index of sample items[j] (< size()) of an epoch. (epoch + 1) * size() must be below 2^63.
  void indices(std::uint64_t epoch, std::span<std::uint64_t> items) const;
  // The key of the random streams that the sample has in its part.
  [[nodiscard]] StreamKey key(std::uint64_t epoch, std::uint64_t item) const;

 private:
  struct Place {
    std::size_t part;
    std::uint64_t epoch;     // of the part
    std::uint64_t position;  // in it
  };
  [[nodiscard]] Place place(std::uint64_t epoch, std::uint64_t item) const noexcept;
  [[nodiscard]] std::shared_ptr<const Order> order(std::size_t part, std::uint64_t epoch) const;

  const std::vector<Part> parts_;
  const std::vector<std::uint16_t> turns_;
  const std::uint64_t n_;
  std::vector<std::uint64_t> ranks_;                          // of each turn: earlier turns of its part in the period
  std::vector<std::uint64_t> weights_;                        // turns of each part in a period
  std::vector<std::uint64_t> ends_;                           // one after another: the item after the last of each part
  mutable std::mutex mutex_;                                  // guards latest_
  mutable std::vector<std::shared_ptr<const Order>> latest_;  // of each part: its order in the epoch last asked for
};

}  // namespace fastbatch
