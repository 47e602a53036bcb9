// SPDX-License-Identifier: MIT
// Documents packed into contexts of a fixed number of tokens: best fit, decreasing, window by window.
// Threads: any; a pure function, and plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fastbatch {

// What happens to a document that is longer than the context.
enum class LongDocuments : std::uint8_t {
  kCut,    // its first tokens are kept
  kSplit,  // it becomes several pieces
};

// The pieces of the documents, pack by pack. A plain value.
struct Packing {
  std::vector<std::uint64_t> starts;   // first token of each piece
  std::vector<std::uint32_t> lengths;  // tokens of each piece
  std::vector<std::uint64_t> ends;     // of each pack: the piece after its last
};

struct PackingOptions {
  std::uint32_t context;  // tokens of a pack, > 0
  std::size_t window;     // documents that are packed together, > 0
  LongDocuments long_documents;
};

// Documents are `bounds[d]` to `bounds[d + 1]`, or of `bounds[d]` tokens each with `are_lengths`. Those without tokens
// are left out. In a window, the longest piece is packed first, into the pack with the least room that suffices, of
// equal ones the one that was used last. Packs are ordered by their first piece, and the pieces in them by their start.
Packing pack_documents(std::span<const std::uint64_t> bounds, bool are_lengths, const PackingOptions& options);

}  // namespace fastbatch
