// SPDX-License-Identifier: MIT
#include "plan/mixture.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace fastbatch {

Mixture::Mixture(std::vector<Part> parts, std::vector<std::uint16_t> turns, std::uint64_t n)
    : parts_(std::move(parts)), turns_(std::move(turns)), n_(n), weights_(parts_.size()), latest_(parts_.size()) {
  if (parts_.empty()) throw std::invalid_argument("a mixture: expected at least one part, found none");
  ranks_.reserve(turns_.size());
  for (const std::uint16_t part : turns_) {
    if (part >= parts_.size()) throw std::invalid_argument("a mixture: a turn of part " + std::to_string(part));
    ranks_.push_back(weights_[part]++);
  }
  std::uint64_t end = 0;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::uint64_t size = parts_[p].order.size();
    if (size == 0 || (!turns_.empty() && weights_[p] == 0))
      throw std::invalid_argument("a mixture: part " + std::to_string(p) + " has no samples or no turns");
    ends_.push_back(end += size);
  }
  if (turns_.empty() && end != n_) throw std::invalid_argument("a mixture: expected the samples of all parts");
}

void Mixture::indices(std::uint64_t epoch, std::span<std::uint64_t> items) const {
  std::vector<Place> places;
  places.reserve(items.size());
  for (const std::uint64_t item : items) places.push_back(place(epoch, item));
  std::vector<std::size_t> slots;
  std::vector<std::uint64_t> positions;
  for (std::size_t p = 0; p < parts_.size(); ++p) {  // runs of ascending positions in one epoch are mapped together
    const auto map = [&](std::uint64_t part_epoch) {
      if (slots.empty()) return;
      order(p, part_epoch)->map(positions);
      for (std::size_t i = 0; i < slots.size(); ++i) items[slots[i]] = parts_[p].first + positions[i];
      slots.clear();
      positions.clear();
    };
    std::uint64_t part_epoch = 0;
    for (std::size_t j = 0; j < places.size(); ++j) {
      const Place& place = places[j];
      if (place.part != p) continue;
      if (!slots.empty() && (place.epoch != part_epoch || place.position < positions.back())) map(part_epoch);
      part_epoch = place.epoch;
      slots.push_back(j);
      positions.push_back(place.position);
    }
    map(part_epoch);
  }
}

StreamKey Mixture::key(std::uint64_t epoch, std::uint64_t item) const {
  const Place here = place(epoch, item);
  return order(here.part, here.epoch)->key(here.position);
}

Mixture::Place Mixture::place(std::uint64_t epoch, std::uint64_t item) const noexcept {
  if (turns_.empty()) {
    const auto part = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), item) - ends_.begin());
    return {part, epoch, part == 0 ? item : item - ends_[part - 1]};
  }
  const std::uint64_t turn = epoch * n_ + item;
  const std::uint64_t in_period = turn % turns_.size();
  const std::size_t part = turns_[in_period];
  const std::uint64_t sample = turn / turns_.size() * weights_[part] + ranks_[in_period];
  const std::uint64_t size = parts_[part].order.size();
  return {part, sample / size, sample % size};
}

std::shared_ptr<const Order> Mixture::order(std::size_t part, std::uint64_t epoch) const {
  {
    const std::scoped_lock lock(mutex_);
    if (latest_[part] && latest_[part]->epoch() == epoch) return latest_[part];
  }
  auto made = std::make_shared<const Order>(parts_[part].order.in_epoch(epoch));
  const std::scoped_lock lock(mutex_);
  return latest_[part] = std::move(made);
}

}  // namespace fastbatch
