// SPDX-License-Identifier: MIT
#include "source/pieces.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace fastbatch {

namespace {
constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}  // namespace

Pieces::Pieces(std::span<const std::uint64_t> starts, std::span<const std::uint64_t> counts, std::uint64_t stride)
    : stride_(stride) {
  if (starts.size() != counts.size())
    throw std::invalid_argument("expected " + std::to_string(starts.size()) + " counts, found " +
                                std::to_string(counts.size()));
  for (std::size_t p = 0; p < starts.size(); ++p) {
    if (counts[p] == 0) continue;
    if (starts[p] > kMost || (counts[p] > 1 && (stride == 0 || counts[p] - 1 > (kMost - starts[p]) / stride)) ||
        counts[p] > kMost - size_)
      throw std::invalid_argument("piece " + std::to_string(p) + ": more rows or samples than there can be");
    first_.push_back(size_);
    starts_.push_back(starts[p]);
    size_ += counts[p];
    last_row_ = std::max(last_row_, starts[p] + (counts[p] - 1) * stride);
  }
}

void Pieces::rows(std::span<const std::uint64_t> samples, std::span<std::uint64_t> rows) const noexcept {
  std::size_t p = 0;
  for (std::size_t j = 0; j < samples.size(); ++j) {
    const std::uint64_t sample = samples[j];
    // For ascending samples, the next one is mostly in the same piece.
    if (sample < first_[p] || (p + 1 < first_.size() && sample >= first_[p + 1]))
      p = static_cast<std::size_t>(std::upper_bound(first_.begin(), first_.end(), sample) - first_.begin()) - 1;
    rows[j] = starts_[p] + (sample - first_[p]) * stride_;
  }
}

}  // namespace fastbatch
