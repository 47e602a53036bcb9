// SPDX-License-Identifier: MIT
#include "source/joined_samples.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace fastbatch {

JoinedSamples::JoinedSamples(std::vector<std::shared_ptr<const SampleSource>> parts, std::vector<std::uint64_t> order)
    : parts_(std::move(parts)), first_{0}, order_(std::move(order)) {
  if (parts_.empty()) throw std::invalid_argument("expected at least one part, found none");
  for (const auto& part : parts_) first_.push_back(first_.back() + part->size());
  const auto largest = std::ranges::max_element(order_);
  if (largest != order_.end() && *largest >= first_.back()) {
    throw std::invalid_argument("order: expected numbers below " + std::to_string(first_.back()) + ", found " +
                                std::to_string(*largest));
  }
}

JoinedSamples::Place JoinedSamples::place(std::uint64_t i) const noexcept {
  const std::uint64_t sample = order_.empty() ? i : order_[i];
  const auto after = std::ranges::upper_bound(first_, sample);
  const auto part = static_cast<std::size_t>(after - first_.begin()) - 1;
  return {*parts_[part], sample - first_[part]};
}

std::span<const std::byte> JoinedSamples::read(std::uint64_t i, ReadBuffer& buffer) const {
  const auto [part, index] = place(i);
  return part.read(index, buffer);
}

std::span<const std::byte> JoinedSamples::read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const {
  const auto [part, index] = place(i);
  return part.read_head(index, n, buffer);
}

std::string JoinedSamples::name(std::uint64_t i) const {
  const auto [part, index] = place(i);
  return part.name(index);
}

Where JoinedSamples::where(std::uint64_t i) const {
  const auto [part, index] = place(i);
  Where where = part.where(index);
  where.sample = i;
  return where;
}

}  // namespace fastbatch
