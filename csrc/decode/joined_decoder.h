// SPDX-License-Identifier: MIT
// The concatenated samples of several decoders: many files as one column.
// Threads: immutable, any; a workspace contains one for each decoder.
#pragma once

#include <memory>
#include <vector>

#include "decode/decoder.h"

namespace fastbatch {

class JoinedDecoder : public Decoder {
 public:
  // At least one, all with slots of equal size; throws std::invalid_argument otherwise.
  explicit JoinedDecoder(std::vector<std::shared_ptr<const Decoder>> parts);

  [[nodiscard]] std::uint64_t size() const noexcept override { return first_.back(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return parts_.front()->slot_bytes(); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;  // the smallest of the parts
  [[nodiscard]] bool is_brief() const noexcept override;
  [[nodiscard]] bool uses_key() const noexcept override;
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

 private:
  struct Scratch;
  Workspace& workspace_of(std::size_t part, Scratch& scratch) const;
  void scatter_parts(std::span<const std::uint64_t> indices, std::byte* slots, Scratch& scratch) const;
  [[nodiscard]] std::size_t part_of(std::uint64_t index) const noexcept;

  const std::vector<std::shared_ptr<const Decoder>> parts_;
  std::vector<std::uint64_t> first_;  // first sample of each part, and the total number
  bool scatters_;                     // all parts can
};

}  // namespace fastbatch
