// SPDX-License-Identifier: MIT
// Several arrays concatenated in one slot: sample i is np.concatenate([part[i] for each part], axis). Each part is
// written directly to its place in the slot, as `outer` pieces.
// Threads: immutable, any.
#pragma once

#include <memory>
#include <vector>

#include "decode/array_decoder.h"
#include "decode/decoder.h"

namespace fastbatch {

class ConcatDecoder : public Decoder {
 public:
  using Parts = std::vector<std::shared_ptr<const ArrayDecoder>>;

  // `outer`: product of a sample's dimensions before the axis. Throws std::invalid_argument if the parts do not fit.
  ConcatDecoder(Parts parts, std::size_t outer);

  [[nodiscard]] std::uint64_t size() const noexcept override { return parts_.front()->size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return slot_bytes_; }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;
  [[nodiscard]] bool is_brief() const noexcept override;
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

 private:
  struct PartWorkspaces;
  const Parts parts_;
  const std::size_t outer_;
  std::size_t slot_bytes_ = 0;
};

}  // namespace fastbatch
