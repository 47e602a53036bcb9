// SPDX-License-Identifier: MIT
#include "decode/documents_decoder.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "plan/permutation.h"
#include "source/guarded_read.h"

namespace fastbatch {
namespace {

[[noreturn]] void refuse(const char* what, std::size_t i) {
  throw std::invalid_argument(std::string("documents: ") + what + " " + std::to_string(i));
}

std::size_t checked_capacity(const DocumentBatches& batches, std::uint64_t n_tokens, bool padded) {
  batches.check(n_tokens);
  return static_cast<std::size_t>(batches.capacity(padded));
}

}  // namespace

std::size_t DocumentBatches::bucket_of(std::uint64_t member) const noexcept {
  return static_cast<std::size_t>(std::ranges::upper_bound(ends, member) - ends.begin());
}

void DocumentBatches::check(std::uint64_t n_tokens) const {
  if (starts.size() != lengths.size() || firsts.size() != counts.size() || firsts.size() != rows.size() ||
      ends.size() != widths.size() || (ends.empty() ? 0 : ends.back()) != members.size() ||
      !std::ranges::is_sorted(ends))
    throw std::invalid_argument("documents: expected ascending ends up to the number of members");
  for (std::size_t d = 0; d < starts.size(); ++d)
    if (starts[d] > n_tokens || lengths[d] > n_tokens - starts[d]) refuse("beyond the tokens:", d);
  std::uint64_t begin = 0;
  for (std::size_t bucket = 0; bucket < ends.size(); begin = ends[bucket++])
    for (std::uint64_t member = begin; member < ends[bucket]; ++member) {
      if (members[member] >= starts.size()) refuse("no document has the number of member", member);
      if (widths[bucket] != 0 && lengths[members[member]] > widths[bucket]) refuse("longer than its bucket:", member);
    }
  for (std::size_t m = 0; m < firsts.size(); ++m) {
    if (firsts[m] >= members.size() || counts[m] == 0 || rows[m] < counts[m] || rows[m] > max_rows)
      refuse("no rows for batch", m);
    if (counts[m] > ends[bucket_of(firsts[m])] - firsts[m]) refuse("two buckets in batch", m);
  }
}

std::uint64_t DocumentBatches::capacity(bool padded) const {
  std::vector<std::uint64_t> longest(ends.size());
  std::uint64_t begin = 0;
  for (std::size_t bucket = 0; bucket < ends.size(); begin = ends[bucket++])
    for (std::uint64_t member = begin; member < ends[bucket]; ++member)
      longest[bucket] = std::max(longest[bucket], lengths[members[member]]);
  std::uint64_t most = 0;
  for (std::size_t m = 0; m < firsts.size(); ++m) {
    const std::size_t bucket = bucket_of(firsts[m]);
    const std::uint64_t width = padded ? std::max(longest[bucket], widths[bucket]) : longest[bucket];
    const Product elements = multiply_wide(rows[m], width);
    if (elements.high != 0 || elements.low > (std::uint64_t{1} << 48)) refuse("more than 2^48 elements in batch", m);
    most = std::max(most, elements.low);
  }
  return std::max<std::uint64_t>(most, 1);
}

template <typename Visit>
void DocumentBatches::for_rows(std::uint64_t m, StreamKey key, Visit&& visit) const {
  const std::uint64_t first = firsts[m], count = counts[m];
  const std::size_t bucket = bucket_of(first);
  const std::uint64_t begin = bucket == 0 ? 0 : ends[bucket - 1];
  const Permutation order(ends[bucket] - begin, Stream(key.seed, key.epoch, bucket, Purpose::kBucket));
  for (std::uint64_t row = 0; row < rows[m]; ++row) {
    const std::uint64_t place = first - begin + row % count;
    visit(members[begin + (shuffled ? order.at(place) : place)]);
  }
}

std::uint64_t DocumentBatches::width(std::uint64_t m, StreamKey key) const {
  std::uint64_t width = widths[bucket_of(firsts[m])];
  if (width == 0) for_rows(m, key, [&](std::uint64_t document) { width = std::max(width, lengths[document]); });
  return width;
}

DocumentTokens::DocumentTokens(ArrayView tokens, std::optional<kernels::Conversion> conversion, DocumentBatches batches,
                               bool padded, std::vector<std::byte> fill)
    : tokens_(std::move(tokens), std::move(conversion), std::move(fill)),
      batches_(batches),
      padded_(padded),
      capacity_(checked_capacity(batches_, tokens_.size(), padded)) {}

void DocumentTokens::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots,
                            Workspace& /*workspace*/, std::size_t& failed_at) const {
  failed_at = 0;
  const std::size_t element = tokens_.element_bytes();
  for (const std::uint64_t m : indices) {
    const std::size_t width = padded_ ? static_cast<std::size_t>(batches_.width(m, key)) : 0;
    read_on_trip(tokens_.view(), [&]() noexcept {
      std::byte* to = slots;
      batches_.for_rows(m, key, [&](std::uint64_t document) {
        const std::size_t n = batches_.lengths[document];
        tokens_.copy(batches_.starts[document], n, to);
        if (padded_) tokens_.fill(to + n * element, width - n);
        to += (padded_ ? width : n) * element;
      });
    });
    slots += slot_bytes();
  }
}

DocumentNumbers::DocumentNumbers(DocumentBatches batches) : batches_(batches) {
  batches_.check(std::numeric_limits<std::uint64_t>::max());
}

void DocumentNumbers::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots,
                             Workspace& /*workspace*/, std::size_t& failed_at) const {
  failed_at = 0;
  for (const std::uint64_t m : indices) {
    auto* const slot = reinterpret_cast<std::int64_t*>(slots);  // buffers of batches are aligned
    slot[0] = static_cast<std::int64_t>(batches_.rows[m]);
    slot[1] = static_cast<std::int64_t>(batches_.width(m, key));
    slot[2] = static_cast<std::int64_t>(batches_.counts[m]);
    std::int64_t* length = slot + kHead;
    std::int64_t* number = length + batches_.max_rows;
    batches_.for_rows(m, key, [&](std::uint64_t document) {
      *length++ = static_cast<std::int64_t>(batches_.lengths[document]);
      *number++ = static_cast<std::int64_t>(document);
    });
    slots += slot_bytes();
  }
}

}  // namespace fastbatch
