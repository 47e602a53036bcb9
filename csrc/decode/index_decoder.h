// SPDX-License-Identifier: MIT
// The number of each sample as its int64: rows that Python gathers when a batch is due. Threads: immutable, any.
#pragma once

#include <cstring>

#include "decode/decoder.h"

namespace fastbatch {

class IndexDecoder : public Decoder {
 public:
  explicit IndexDecoder(std::uint64_t n) : n_(n) {}  // n <= 2^63

  [[nodiscard]] std::uint64_t size() const noexcept override { return n_; }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return sizeof(std::uint64_t); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return std::size_t{1} << 16U; }
  [[nodiscard]] bool uses_key() const noexcept override { return false; }
  [[nodiscard]] bool is_brief() const noexcept override { return true; }
  void decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots, Workspace& /*workspace*/,
              std::size_t& /*failed_at*/) const override {
    if (!indices.empty()) std::memcpy(slots, indices.data(), indices.size_bytes());
  }

 private:
  std::uint64_t n_;
};

}  // namespace fastbatch
