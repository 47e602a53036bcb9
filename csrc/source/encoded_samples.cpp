// SPDX-License-Identifier: MIT
#include "source/encoded_samples.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace fastbatch {
namespace {

void check_offsets(std::span<const std::uint64_t> offsets, std::size_t blob_bytes) {
  if (offsets.empty()) throw std::invalid_argument("offsets: expected one more than there are samples, found none");
  const auto falls = std::ranges::adjacent_find(offsets, std::ranges::greater());
  if (falls != offsets.end()) {
    throw std::invalid_argument("offsets: expected numbers that never fall, found " + std::to_string(falls[1]) +
                                " after " + std::to_string(falls[0]));
  }
  if (offsets.back() > blob_bytes) {
    throw std::invalid_argument("offsets: expected at most the blob's " + std::to_string(blob_bytes) +
                                " bytes, found " + std::to_string(offsets.back()));
  }
}

}  // namespace

EncodedSamples::EncodedSamples(std::span<const std::byte> blob, std::vector<std::uint64_t> offsets, Names names,
                               std::shared_ptr<const void> owner)
    : blob_(blob), offsets_(std::move(offsets)), names_(std::move(names)), owner_(std::move(owner)) {
  check_offsets(offsets_, blob_.size());
  if (names_.size() != 0 && names_.size() != size()) {
    throw std::invalid_argument("names: expected " + std::to_string(size()) + ", found " +
                                std::to_string(names_.size()));
  }
}

std::string EncodedSamples::name(std::uint64_t i) const {
  return names_.size() != 0 ? std::string(names_[i]) : "sample " + std::to_string(i) + " in memory";
}

Where EncodedSamples::where(std::uint64_t i) const {
  return names_.size() != 0 ? SampleSource::where(i) : Where{{}, i};
}

}  // namespace fastbatch
