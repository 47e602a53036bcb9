// SPDX-License-Identifier: MIT
#include "decode/concat_decoder.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace fastbatch {

struct ConcatDecoder::PartWorkspaces : Workspace {
  std::vector<std::unique_ptr<Workspace>> parts;
};

ConcatDecoder::ConcatDecoder(Parts parts, std::size_t outer) : parts_(std::move(parts)), outer_(outer) {
  if (parts_.empty()) throw std::invalid_argument("concat: expected at least one array, found none");
  for (const auto& part : parts_) {
    if (part->size() != size()) throw std::invalid_argument("concat: expected arrays of equal length");
    if (outer_ == 0 || part->slot_bytes() % outer_ != 0)
      throw std::invalid_argument("concat: expected arrays that differ along the axis only");
    slot_bytes_ += part->slot_bytes();
  }
}

std::size_t ConcatDecoder::chunk_samples() const noexcept {
  std::size_t least = parts_.front()->chunk_samples();
  for (const auto& part : parts_) least = std::min(least, part->chunk_samples());
  return std::max<std::size_t>(1, least / parts_.size());
}

bool ConcatDecoder::is_brief() const noexcept {
  return std::all_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->is_brief(); });
}

std::unique_ptr<Workspace> ConcatDecoder::workspace() const {
  auto made = std::make_unique<PartWorkspaces>();
  for (const auto& part : parts_) made->parts.push_back(part->workspace());
  return made;
}

void ConcatDecoder::decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots,
                           Workspace& workspace, std::size_t& failed_at) const {
  failed_at = 0;
  auto& workspaces = static_cast<PartWorkspaces&>(workspace).parts;
  std::byte* place = slots;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    parts_[p]->decode_into(indices, {place, outer_, slot_bytes_ / outer_}, *workspaces[p]);
    place += parts_[p]->slot_bytes() / outer_;
  }
}

std::size_t ConcatDecoder::advise(std::span<const std::uint64_t> indices) const {
  std::size_t missing = 0;
  for (const auto& part : parts_) missing += part->advise(indices);
  return missing;
}

}  // namespace fastbatch
