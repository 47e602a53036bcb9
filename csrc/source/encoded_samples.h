// SPDX-License-Identifier: MIT
// Encoded samples in memory, concatenated, for example from a Parquet column, an LMDB value or a downloaded archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/names.h"
#include "source/source.h"

namespace fastbatch {

// Sample i is blob[offsets[i], offsets[i + 1]); nothing is copied. Threads: immutable, any.
class EncodedSamples : public SampleSource {
 public:
  // `owner` keeps the blob alive. `names`: one per sample, or empty. Throws std::invalid_argument unless the offsets,
  // one more than samples, are nondecreasing and within the blob.
  EncodedSamples(std::span<const std::byte> blob, std::vector<std::uint64_t> offsets, Names names = {},
                 std::shared_ptr<const void> owner = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return offsets_.size() - 1; }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& /*buffer*/) const override {
    return blob_.subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  [[nodiscard]] std::string name(std::uint64_t i) const override;  // without names: "sample 3 in memory"
  [[nodiscard]] Where where(std::uint64_t i) const override;       // without names: only the index

 private:
  std::span<const std::byte> blob_;
  std::vector<std::uint64_t> offsets_;
  Names names_;
  std::shared_ptr<const void> owner_;
};

}  // namespace fastbatch
