// SPDX-License-Identifier: MIT
#include "decode/packed_decoder.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "source/guarded_read.h"

namespace fastbatch {
namespace {

constexpr std::size_t kPackedChunk = std::size_t{256} << 10;

std::size_t chunk_of(std::size_t slot_bytes) noexcept {
  return std::clamp<std::size_t>(kPackedChunk / std::max<std::size_t>(1, slot_bytes), 1, 4096);
}

// Calls visit(piece, first slot element) for each piece of a pack; returns the number of elements in use.
template <typename Visit>
std::size_t for_pieces(const PackedPieces& pieces, std::uint64_t pack, Visit&& visit) {
  std::size_t at = 0;
  for (std::uint64_t piece = pack == 0 ? 0 : pieces.ends[pack - 1]; piece < pieces.ends[pack]; ++piece) {
    visit(piece, at);
    at += pieces.lengths[piece];
  }
  return at;
}

}  // namespace

void PackedPieces::check(std::uint64_t n_tokens) const {
  if (context == 0 || starts.size() != lengths.size() || (ends.empty() ? 0 : ends.back()) != starts.size() ||
      !std::is_sorted(ends.begin(), ends.end()))
    throw std::invalid_argument("packs: expected ascending ends up to the number of pieces");
  for (std::size_t i = 0; i < starts.size(); ++i)
    if (lengths[i] == 0 || starts[i] > n_tokens || lengths[i] > n_tokens - starts[i])
      throw std::invalid_argument("packs: piece " + std::to_string(i) + " lies beyond the tokens");
  std::uint64_t begin = 0;
  for (const std::uint64_t end : ends) {
    const std::uint64_t length = std::accumulate(lengths.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 lengths.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
    if (length > context) throw std::invalid_argument("packs: expected at most " + std::to_string(context) + " tokens");
    begin = end;
  }
}

PackedTokens::PackedTokens(ArrayView tokens, std::optional<kernels::Conversion> conversion, PackedPieces pieces,
                           unsigned shift, std::vector<std::byte> fill)
    : tokens_(std::move(tokens), std::move(conversion), std::move(fill)), pieces_(pieces), shift_(shift) {
  if (shift_ > 1) throw std::invalid_argument("expected a shift of 0 or 1");
  pieces_.check(tokens_.size());
}

std::size_t PackedTokens::chunk_samples() const noexcept { return chunk_of(slot_bytes()); }

void PackedTokens::decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots,
                          Workspace& /*workspace*/, std::size_t& failed_at) const {
  failed_at = 0;
  const std::size_t element = tokens_.element_bytes();
  read_on_trip(tokens_.view(), [&]() noexcept {
    for (const std::uint64_t pack : indices) {
      const std::size_t used = for_pieces(pieces_, pack, [&](std::uint64_t piece, std::size_t at) {
        const std::size_t n = pieces_.lengths[piece] - shift_;
        tokens_.copy(pieces_.starts[piece] + shift_, n, slots + at * element);
        tokens_.fill(slots + (at + n) * element, shift_);
      });
      tokens_.fill(slots + used * element, pieces_.context - used);
      slots += slot_bytes();
    }
  });
}

std::size_t PackedTokens::advise(std::span<const std::uint64_t> indices) const {
  const ArrayView& tokens = tokens_.view();
  if (!tokens.file) return 0;
  std::vector<ByteRange> ranges;
  for (const std::uint64_t pack : indices)
    for_pieces(pieces_, pack, [&](std::uint64_t piece, std::size_t) {
      ranges.push_back(
          {tokens.file_offset() + pieces_.starts[piece] * tokens.itemsize, pieces_.lengths[piece] * tokens.itemsize});
    });
  return tokens.file->advise_will_need(ranges);
}

std::size_t PackedNumbers::chunk_samples() const noexcept { return chunk_of(slot_bytes()); }

void PackedNumbers::decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots,
                           Workspace& /*workspace*/, std::size_t& failed_at) const {
  failed_at = 0;
  for (const std::uint64_t pack : indices) {
    auto* const slot = reinterpret_cast<std::int32_t*>(slots);  // buffers of batches are aligned
    std::int32_t number = 0;
    const std::size_t used = for_pieces(pieces_, pack, [&](std::uint64_t piece, std::size_t at) {
      std::int32_t* const begin = slot + at;
      std::int32_t* const end = begin + pieces_.lengths[piece];
      ++number;
      if (positions_)
        std::iota(begin, end, 0);
      else
        std::fill(begin, end, number);
    });
    std::fill(slot + used, slot + pieces_.context, 0);
    slots += slot_bytes();
  }
}

}  // namespace fastbatch
