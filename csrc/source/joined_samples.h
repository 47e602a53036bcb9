// SPDX-License-Identifier: MIT
// The samples of several sources, one after another or in a given order: the chunks of an Arrow column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/source.h"

namespace fastbatch {

// Threads: immutable, any.
class JoinedSamples : public SampleSource {
 public:
  // `order`: the numbers of the samples among those of all parts; empty for all in turn. Throws std::invalid_argument
  // without parts, or for a number that is too large.
  explicit JoinedSamples(std::vector<std::shared_ptr<const SampleSource>> parts, std::vector<std::uint64_t> order = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return order_.empty() ? first_.back() : order_.size(); }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& buffer) const override;
  std::span<const std::byte> read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const override;
  [[nodiscard]] std::string name(std::uint64_t i) const override;
  [[nodiscard]] Where where(std::uint64_t i) const override;

 private:
  struct Place {
    const SampleSource& part;
    std::uint64_t index;
  };
  [[nodiscard]] Place place(std::uint64_t i) const noexcept;

  std::vector<std::shared_ptr<const SampleSource>> parts_;
  std::vector<std::uint64_t> first_;  // first sample of each part, and the total number
  std::vector<std::uint64_t> order_;
};

}  // namespace fastbatch
