// SPDX-License-Identifier: MIT
// Packs of documents as slots of `context` elements: their tokens, the tokens after them, the number of the document in
// the pack, or the position in the document.
// Threads: immutable, any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode/decoder.h"
#include "decode/token_array.h"

namespace fastbatch {

// Memory of the pieces of all packs (`plan/packing.h`), which outlives the decoder.
struct PackedPieces {
  std::span<const std::uint64_t> starts;
  std::span<const std::uint32_t> lengths;
  std::span<const std::uint64_t> ends;
  std::uint32_t context = 0;

  // Throws std::invalid_argument for pieces beyond `n_tokens`, and for packs longer than the context.
  void check(std::uint64_t n_tokens) const;
};

// Tokens, or the tokens `shift` (0 or 1) after them in the same piece; `fill` where there is none.
class PackedTokens : public Decoder {
 public:
  // `tokens` is dense and 1-d. `fill` has the bytes of one element of the batch.
  PackedTokens(ArrayView tokens, std::optional<kernels::Conversion> conversion, PackedPieces pieces, unsigned shift,
               std::vector<std::byte> fill);

  [[nodiscard]] std::uint64_t size() const noexcept override { return pieces_.ends.size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return pieces_.context * tokens_.element_bytes(); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;
  [[nodiscard]] bool is_brief() const noexcept override { return !tokens_.is_remote(); }
  [[nodiscard]] bool uses_key() const noexcept override { return false; }
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

 private:
  const TokenArray tokens_;
  const PackedPieces pieces_;
  const unsigned shift_;
};

// int32: the number of the piece in its pack from 1 on, and 0 after the last; or the position in the piece, from 0 on.
class PackedNumbers : public Decoder {
 public:
  PackedNumbers(PackedPieces pieces, bool positions) : pieces_(pieces), positions_(positions) {}

  [[nodiscard]] std::uint64_t size() const noexcept override { return pieces_.ends.size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return pieces_.context * sizeof(std::int32_t); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;
  [[nodiscard]] bool is_brief() const noexcept override { return true; }
  [[nodiscard]] bool uses_key() const noexcept override { return false; }
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  const PackedPieces pieces_;
  const bool positions_;
};

}  // namespace fastbatch
