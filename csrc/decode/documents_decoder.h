// SPDX-License-Identifier: MIT
// Batches of documents of different lengths: a whole batch is one slot, since its rows and their width differ from
// batch to batch. One decoder makes the tokens, padded or one document after another, the other one their lengths.
// Threads: immutable, any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode/decoder.h"
#include "decode/token_array.h"

namespace fastbatch {

// The documents and their division into batches: memory that outlives the decoder. Batch m has the documents of
// `counts[m]` members from `firsts[m]` on, all of one bucket, and `rows[m]` rows: the documents are repeated.
struct DocumentBatches {
  std::span<const std::uint64_t> starts;   // first token of each document
  std::span<const std::uint64_t> lengths;  // tokens of each document
  std::span<const std::uint64_t> members;  // documents, bucket by bucket
  std::span<const std::uint64_t> ends;     // of each bucket: the member after its last
  std::span<const std::uint64_t> widths;   // of each bucket: tokens of a row; 0: those of the longest in the batch
  std::span<const std::uint64_t> firsts;
  std::span<const std::uint64_t> counts;
  std::span<const std::uint64_t> rows;
  std::uint64_t max_rows = 0;
  bool shuffled = false;  // the members of each bucket are permuted, by the key of the epoch

  // Throws std::invalid_argument for documents beyond `n_tokens`, batches across buckets or with more rows than
  // `max_rows`, and documents longer than their bucket's width.
  void check(std::uint64_t n_tokens) const;

  // The largest number of elements in a batch, `padded` or not.
  [[nodiscard]] std::uint64_t capacity(bool padded) const;

  // Calls visit(document) for each row of batch m.
  template <typename Visit>
  void for_rows(std::uint64_t m, StreamKey key, Visit&& visit) const;

  // Tokens of a row of batch m.
  [[nodiscard]] std::uint64_t width(std::uint64_t m, StreamKey key) const;

 private:
  [[nodiscard]] std::size_t bucket_of(std::uint64_t member) const noexcept;
};

// The tokens of each batch: rows of its width, `fill` after their last token; or the documents one after another.
class DocumentTokens : public Decoder {
 public:
  // `tokens` is dense and 1-d. `fill` has the bytes of one element of the batch.
  DocumentTokens(ArrayView tokens, std::optional<kernels::Conversion> conversion, DocumentBatches batches, bool padded,
                 std::vector<std::byte> fill);

  [[nodiscard]] std::uint64_t size() const noexcept override { return batches_.firsts.size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return capacity_ * tokens_.element_bytes(); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  const TokenArray tokens_;
  const DocumentBatches batches_;
  const bool padded_;
  const std::size_t capacity_;  // elements of a slot
};

// int64: rows, width, documents that count; then the length of each row, then the number of its document.
class DocumentNumbers : public Decoder {
 public:
  static constexpr std::size_t kHead = 3;

  explicit DocumentNumbers(DocumentBatches batches);

  [[nodiscard]] std::uint64_t size() const noexcept override { return batches_.firsts.size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override {
    return (kHead + 2 * batches_.max_rows) * sizeof(std::int64_t);
  }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  const DocumentBatches batches_;
};

}  // namespace fastbatch
