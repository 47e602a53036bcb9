// SPDX-License-Identifier: MIT
#include "plan/packing.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace fastbatch {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

// The open packs of a window by the room that they have left.
class OpenPacks {
 public:
  explicit OpenPacks(std::uint32_t context)
      : latest_(std::size_t{context} + 1, kNone), rooms_(context / 64 + 1), words_(rooms_.size() / 64 + 1) {}

  void clear() {
    for (std::size_t room = 0; (room = find(room)) != kNone; ++room) latest_[room] = kNone;
    std::ranges::fill(rooms_, 0);
    std::ranges::fill(words_, 0);
    next_.clear();
    n_packs_ = 0;
  }

  // Packs a piece: the number of its pack.
  std::size_t add(std::uint32_t length, std::uint32_t context) {
    std::size_t room = find(length);
    std::size_t pack = n_packs_;
    if (room == kNone) {
      room = context;
      next_.push_back(kNone);
      ++n_packs_;
    } else {
      pack = latest_[room];
      if ((latest_[room] = next_[pack]) == kNone) {
        rooms_[room / 64] &= ~bit(room);
        if (rooms_[room / 64] == 0) words_[room / 4096] &= ~bit(room / 64);
      }
    }
    const std::size_t left = room - length;
    if (left == 0) return pack;
    next_[pack] = latest_[left];
    latest_[left] = pack;
    rooms_[left / 64] |= bit(left);
    words_[left / 4096] |= bit(left / 64);
    return pack;
  }

  [[nodiscard]] std::size_t n_packs() const noexcept { return n_packs_; }

 private:
  static std::uint64_t bit(std::size_t i) noexcept { return std::uint64_t{1} << (i % 64); }

  // The smallest room of an open pack that is at least `least`; kNone if there is none.
  [[nodiscard]] std::size_t find(std::size_t least) const noexcept {
    std::size_t word = least / 64;
    if (word >= rooms_.size()) return kNone;
    const std::uint64_t here = rooms_[word] >> (least % 64);
    if (here != 0) return least + static_cast<std::size_t>(std::countr_zero(here));
    ++word;
    for (std::size_t group = word / 64; group < words_.size(); ++group) {
      const std::uint64_t used = group == word / 64 ? words_[group] >> (word % 64) << (word % 64) : words_[group];
      if (used == 0) continue;
      const std::size_t found = group * 64 + static_cast<std::size_t>(std::countr_zero(used));
      return found * 64 + static_cast<std::size_t>(std::countr_zero(rooms_[found]));
    }
    return kNone;
  }

  std::vector<std::size_t> latest_;   // of each room: the pack that was used last
  std::vector<std::size_t> next_;     // of each pack: the one used before it with the same room
  std::vector<std::uint64_t> rooms_;  // bit of each room: there is a pack
  std::vector<std::uint64_t> words_;  // bit of each word of rooms_: it is not 0
  std::size_t n_packs_ = 0;
};

struct Piece {
  std::uint64_t start;
  std::uint32_t length;
};

// Appends the packs of one window.
void pack_window(const std::vector<Piece>& pieces, std::uint32_t context, OpenPacks& open,
                 std::vector<std::uint32_t>& order, std::vector<std::size_t>& packs, Packing& packing) {
  open.clear();
  order.resize(pieces.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return pieces[a].length != pieces[b].length ? pieces[a].length > pieces[b].length : a < b;
  });
  packs.resize(pieces.size());
  for (const std::uint32_t piece : order) packs[piece] = open.add(pieces[piece].length, context);

  // Packs in the order of their first piece, then pieces into their packs.
  std::vector<std::size_t> rank(open.n_packs(), kNone);
  std::vector<std::size_t> places(open.n_packs() + 1);
  std::size_t n_ranked = 0;
  for (std::size_t& pack : packs) {
    if (rank[pack] == kNone) rank[pack] = n_ranked++;
    pack = rank[pack];
    ++places[pack + 1];
  }
  std::partial_sum(places.begin(), places.end(), places.begin());
  const std::size_t first = packing.starts.size();
  for (std::size_t pack = 1; pack < places.size(); ++pack) packing.ends.push_back(first + places[pack]);
  packing.starts.resize(first + pieces.size());
  packing.lengths.resize(first + pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t place = first + places[packs[i]]++;
    packing.starts[place] = pieces[i].start;
    packing.lengths[place] = pieces[i].length;
  }
}

}  // namespace

Packing pack_documents(std::span<const std::uint64_t> bounds, bool are_lengths, const PackingOptions& options) {
  const std::uint32_t context = options.context;
  if (context == 0 || options.window == 0) throw std::invalid_argument("packs and windows cannot be empty");
  const std::size_t n = are_lengths ? bounds.size() : std::max<std::size_t>(bounds.size(), 1) - 1;
  const auto length_of = [&](std::size_t d) { return are_lengths ? bounds[d] : bounds[d + 1] - bounds[d]; };
  const bool splits = options.long_documents == LongDocuments::kSplit;
  std::size_t n_pieces = 0;
  std::uint64_t n_full = 0;  // context by context: as many packs as there are at best
  for (std::size_t d = 0; d < n; ++d) {
    const std::uint64_t length = length_of(d);
    n_pieces += splits ? length / context + (length % context != 0) : length != 0;
    n_full += splits ? length : std::min<std::uint64_t>(length, context);
  }
  n_full = n_full / context + n_full / context / 64 + 1;
  Packing packing;
  packing.starts.reserve(n_pieces);
  packing.lengths.reserve(n_pieces);
  packing.ends.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(n_full, n_pieces)));
  OpenPacks open(context);
  std::vector<Piece> pieces;
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> packs;
  std::uint64_t start = are_lengths || bounds.empty() ? 0 : bounds[0];
  for (std::size_t d = 0; d < n;) {
    pieces.clear();
    for (const std::size_t end = std::min(n, d + options.window); d < end; ++d) {
      const std::uint64_t length = length_of(d);
      for (std::uint64_t done = 0; done < length && (splits || done == 0); done += context)
        pieces.push_back({start + done, static_cast<std::uint32_t>(std::min<std::uint64_t>(context, length - done))});
      start += length;
    }
    pack_window(pieces, context, open, order, packs, packing);
  }
  return packing;
}

}  // namespace fastbatch
