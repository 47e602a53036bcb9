// SPDX-License-Identifier: MIT
#include "decode/joined_decoder.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace fastbatch {

namespace {

constexpr std::size_t kBytesAhead = 8192;     // of the next samples, as in kernels::gather()
constexpr std::size_t kWorthScattering = 16;  // samples of a part, on average, for which a part is called once

}  // namespace

struct JoinedDecoder::Scratch : Workspace {
  std::vector<std::unique_ptr<Workspace>> parts;  // made when first needed
  std::vector<std::uint64_t> indices;
  struct Scattered {
    std::vector<std::uint64_t> indices, places;
  };
  std::vector<Scattered> scattered;  // samples of each part
};

JoinedDecoder::JoinedDecoder(std::vector<std::shared_ptr<const Decoder>> parts) : parts_(std::move(parts)) {
  if (parts_.empty()) throw std::invalid_argument("expected at least one part, found none");
  first_.push_back(0);
  for (const auto& part : parts_) {
    if (part->slot_bytes() != slot_bytes())
      throw std::invalid_argument("expected samples of " + std::to_string(slot_bytes()) +
                                  " bytes in each part, found " + std::to_string(part->slot_bytes()));
    first_.push_back(first_.back() + part->size());
  }
  scatters_ = std::all_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->can_scatter(); });
}

std::size_t JoinedDecoder::chunk_samples() const noexcept {
  std::size_t least = parts_.front()->chunk_samples();
  for (const auto& part : parts_) least = std::min(least, part->chunk_samples());
  return least;
}

bool JoinedDecoder::is_brief() const noexcept {
  return std::all_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->is_brief(); });
}

bool JoinedDecoder::uses_key() const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->uses_key(); });
}

std::unique_ptr<Workspace> JoinedDecoder::workspace() const {
  auto scratch = std::make_unique<Scratch>();
  scratch->parts.resize(parts_.size());
  return scratch;
}

std::size_t JoinedDecoder::part_of(std::uint64_t index) const noexcept {
  return static_cast<std::size_t>(std::upper_bound(first_.begin(), first_.end(), index) - first_.begin()) - 1;
}

Workspace& JoinedDecoder::workspace_of(std::size_t part, Scratch& scratch) const {
  auto& workspace = scratch.parts[part];
  if (!workspace) workspace = parts_[part]->workspace();
  workspace->batch_bytes = scratch.batch_bytes;
  return *workspace;
}

void JoinedDecoder::scatter_parts(std::span<const std::uint64_t> indices, std::byte* slots, Scratch& scratch) const {
  scratch.scattered.resize(parts_.size());
  for (auto& [samples, places] : scratch.scattered) {
    samples.clear();
    places.clear();
  }
  for (std::size_t j = 0; j < indices.size(); ++j) {
    const std::size_t p = part_of(indices[j]);
    scratch.scattered[p].indices.push_back(indices[j] - first_[p]);
    scratch.scattered[p].places.push_back(j);
  }
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const auto& [samples, places] = scratch.scattered[p];
    if (!samples.empty()) parts_[p]->scatter(samples, places, slots, workspace_of(p, scratch));
  }
}

void JoinedDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots,
                           Workspace& workspace, std::size_t& failed_at) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  if (scatters_ && parts_.size() > 1 && indices.size() >= kWorthScattering * parts_.size()) {
    failed_at = 0;
    return scatter_parts(indices, slots, scratch);
  }
  const std::size_t ahead = std::max<std::size_t>(1, kBytesAhead / std::max<std::size_t>(1, slot_bytes()));
  std::size_t fetched = 0;                                // samples before it have been decoded or prefetched
  for (std::size_t begin = 0; begin < indices.size();) {  // consecutive samples of one part are decoded together
    const std::size_t p = part_of(indices[begin]);
    scratch.indices.clear();
    std::size_t end = begin;
    for (; end < indices.size() && indices[end] >= first_[p] && indices[end] < first_[p + 1]; ++end)
      scratch.indices.push_back(indices[end] - first_[p]);
    // A part prefetches its own samples; here, those of the parts that come next.
    for (fetched = std::max(fetched, end); fetched < std::min(indices.size(), end + ahead); ++fetched) {
      const std::size_t next = part_of(indices[fetched]);
      parts_[next]->prefetch(indices[fetched] - first_[next]);
    }
    std::size_t failed_in_part = 0;
    try {
      parts_[p]->decode(scratch.indices, key, slots + begin * slot_bytes(), workspace_of(p, scratch), failed_in_part);
    } catch (...) {
      failed_at = begin + failed_in_part;
      throw;
    }
    begin = end;
  }
}

std::size_t JoinedDecoder::advise(std::span<const std::uint64_t> indices) const {
  std::vector<std::uint64_t> sorted(indices.begin(), indices.end());
  std::sort(sorted.begin(), sorted.end());
  std::size_t missing = 0;
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const std::size_t p = part_of(*begin);
    const auto end = std::lower_bound(begin, sorted.end(), first_[p + 1]);
    for (auto index = begin; index != end; ++index) *index -= first_[p];
    missing += parts_[p]->advise({begin, end});
    begin = end;
  }
  return missing;
}

}  // namespace fastbatch
