// SPDX-License-Identifier: MIT
// Rows that are stored in chunks -> slots: each chunk is loaded as a whole into a cache, and an ArrayDecoder copies or
// converts its rows. Threads: any; a workspace belongs to one worker.
#pragma once

#include <memory>
#include <optional>

#include "decode/array_decoder.h"
#include "decode/decoder.h"
#include "source/chunk_cache.h"

namespace fastbatch {

class ChunkedDecoder : public Decoder {
 public:
  // The rows of one field of the chunks. `none`: a view of 0 rows with the type and the shape of all. `conversion` as
  // for an ArrayDecoder. Throws std::invalid_argument if it does not fit.
  ChunkedDecoder(std::shared_ptr<ChunkCache> chunks, std::size_t field, ArrayView none,
                 std::optional<kernels::Conversion> conversion);

  void standardize_samples();  // see ArrayDecoder

  [[nodiscard]] std::uint64_t size() const noexcept override { return chunks_->n_rows(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return of_none_.slot_bytes(); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return of_none_.chunk_samples(); }
  [[nodiscard]] bool uses_key() const noexcept override { return false; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  // Loads at most one chunk: a worker gives advice for many batches before it decodes one.
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

 private:
  struct Scratch;
  struct Wanted {
    std::uint64_t chunk;
    std::uint64_t row;  // of the chunk
    std::size_t place;  // in `indices`
  };
  struct Grouped;
  [[nodiscard]] std::span<const Wanted> grouped(std::span<const std::uint64_t> indices) const;
  void decode_rows(const ArrayView& view, std::span<const Wanted> rows, std::byte* slots, Scratch& scratch) const;
  template <std::size_t kBytes>
  void copy_rows(const ArrayView& view, std::span<const Wanted> rows, std::byte* slots) const noexcept;
  void convert_rows(const ArrayView& view, std::span<const Wanted> rows, std::byte* slots, Scratch& scratch) const;
  void check(const ArrayView& view, std::uint64_t k) const;
  void load_next(std::uint64_t k) const;

  const std::shared_ptr<ChunkCache> chunks_;
  const std::size_t field_;
  const ArrayView none_;
  const std::optional<kernels::Conversion> conversion_;
  ArrayDecoder of_none_;  // knows sizes, and makes workspaces
  bool standardizes_ = false;
};

}  // namespace fastbatch
