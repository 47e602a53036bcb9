// SPDX-License-Identifier: MIT
// Encoded samples in chunks, each of which is read as a whole: the images in the row groups of Parquet files. A sample
// is copied from its chunk, so that no buffer keeps a chunk in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/chunk_cache.h"
#include "source/source.h"

namespace fastbatch {

// Threads: immutable, any.
class ChunkedSamples : public SampleSource {
 public:
  // Of chunk k, field `field` has the begin and the end of each sample in the next field: uint64, two a sample, and
  // uint8. `files`: the file of each chunk, and `first_rows`: the row of the file with which it begins. Throws
  // std::invalid_argument for other numbers.
  ChunkedSamples(std::shared_ptr<ChunkCache> chunks, std::size_t field, std::vector<std::string> files,
                 std::vector<std::uint64_t> first_rows);

  [[nodiscard]] std::uint64_t size() const noexcept override { return chunks_->n_rows(); }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& buffer) const override;
  [[nodiscard]] std::string name(std::uint64_t i) const override;  // "train.parquet: row 17"
  // Loads at most one chunk, as ChunkedDecoder.
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

 private:
  const std::shared_ptr<ChunkCache> chunks_;
  const std::size_t field_;
  const std::vector<std::string> files_;
  const std::vector<std::uint64_t> first_rows_;
};

}  // namespace fastbatch
