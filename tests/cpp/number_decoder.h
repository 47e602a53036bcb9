// SPDX-License-Identifier: MIT
// A column whose sample i is the number i: what the loader's tests look at. Some samples can be told to fail.
#pragma once

#include <cstring>
#include <set>

#include "common/error.h"
#include "decode/decoder.h"

namespace fastbatch {

class NumberDecoder : public Decoder {
 public:
  explicit NumberDecoder(std::uint64_t n, std::size_t chunk = 4, std::set<std::uint64_t> broken = {})
      : n_(n), chunk_(chunk), broken_(std::move(broken)) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return n_; }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return sizeof(std::uint64_t); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return chunk_; }
  [[nodiscard]] bool is_brief() const noexcept override { return chunk_ > 1; }
  void decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots, Workspace& /*workspace*/,
              std::size_t& failed_at) const override {
    for (failed_at = 0; failed_at < indices.size(); ++failed_at) {
      const std::uint64_t index = indices[failed_at];
      if (broken_.contains(index)) throw DecodeError({.path = "numbers", .sample = index}, "broken");
      std::memcpy(slots + failed_at * sizeof index, &index, sizeof index);
    }
  }

 private:
  std::uint64_t n_;
  std::size_t chunk_;
  std::set<std::uint64_t> broken_;
};

}  // namespace fastbatch
