// SPDX-License-Identifier: MIT
// The samples of another column, each changed in place by a C function of the user while it is in cache. The contract
// is `fastbatch/transform.h`.
// Threads: immutable, any; the function must be thread-safe. The caller keeps function and user_data alive.
#pragma once

#include <fastbatch/transform.h>

#include <memory>
#include <vector>

#include "decode/decoder.h"

namespace fastbatch {

class TransformDecoder : public Decoder {
 public:
  // The array that the function receives; `type` is NumPy's type character.
  struct Slot {
    std::uint64_t itemsize = 1;
    std::int64_t type = 'B';
    std::vector<std::int64_t> shape;
  };

  TransformDecoder(std::shared_ptr<const Decoder> inner, Slot slot, fastbatch_transform function, void* user_data);

  [[nodiscard]] std::uint64_t size() const noexcept override { return inner_->size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return inner_->slot_bytes(); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override { return inner_->workspace(); }
  // Throws DecodeError for the sample whose function does not return 0.
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override {
    return inner_->advise(indices);
  }

 private:
  const std::shared_ptr<const Decoder> inner_;
  const Slot slot_;
  const fastbatch_transform function_;
  void* const user_data_;
};

}  // namespace fastbatch
