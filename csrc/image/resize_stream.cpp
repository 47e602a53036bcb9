// SPDX-License-Identifier: MIT
#include "image/resize_stream.h"

#include <algorithm>
#include <cstring>

namespace fastbatch {
namespace {

constexpr std::size_t kGroup = 8;     // rows per call of the horizontal pass
constexpr std::size_t kPadding = 64;  // between rows of scratch, so that their ends do not share a cache line

// dst[i] = source pixel pick[i], or 0 if pick[i] is negative. src begins at source pixel `origin`.
template <std::size_t kChannels>
void pick_pixels(const std::vector<std::int64_t>& pick, std::size_t origin, const std::uint8_t* src,
                 std::uint8_t* dst) {
  for (const std::int64_t pixel : pick) {
    if (pixel >= 0) {
      std::memcpy(dst, src + (static_cast<std::size_t>(pixel) - origin) * kChannels, kChannels);
    } else {
      std::memset(dst, 0, kChannels);
    }
    dst += kChannels;
  }
}

void pick_row(const Axis& axis, std::size_t channels, const std::uint8_t* src, std::uint8_t* dst) {
  switch (channels) {
    case 1: return pick_pixels<1>(axis.pick, axis.first, src, dst);
    case 2: return pick_pixels<2>(axis.pick, axis.first, src, dst);
    case 3: return pick_pixels<3>(axis.pick, axis.first, src, dst);
    default: return pick_pixels<4>(axis.pick, axis.first, src, dst);
  }
}

std::size_t padded(std::size_t bytes) { return (bytes + kPadding - 1) / kPadding * kPadding + kPadding; }

}  // namespace

// Rows are numbered from the first needed one; source() also starts at the first needed column.

ResizeStream::ResizeStream(const Resizer& resizer, std::uint8_t* dst, std::ptrdiff_t dst_stride,
                           std::vector<std::byte>& scratch)
    : ResizeStream(resizer, dst, dst_stride, scratch, resizer.given_) {}

ResizeStream::ResizeStream(const Resizer& resizer, std::uint8_t* dst, std::ptrdiff_t dst_stride,
                           std::vector<std::byte>& scratch, const Window& given)
    : resizer_(resizer), given_(given), dst_(dst), dst_stride_(dst_stride) {
  if (resizer.rows_.kind != Axis::Kind::kTaps) return;
  const bool horizontal = resizer.columns_.kind == Axis::Kind::kTaps;
  const std::size_t needed_bytes = (resizer.columns_.end - resizer.columns_.first) * resizer.spec_.channels;
  const std::size_t out_bytes = resizer.columns_.size * resizer.spec_.channels;
  direct_ = !horizontal || resizer.vertical_first_;
  ring_rows_ = resizer.rows_kept_ + (direct_ ? 1 : kGroup);
  ring_bytes_ = padded(direct_ ? needed_bytes : out_bytes);
  between_bytes_ = direct_ && horizontal ? padded(needed_bytes) : 0;

  const std::size_t pointers_bytes = padded(resizer.rows_.taps.most * sizeof(std::uint8_t*));
  const std::size_t total = pointers_bytes + ring_rows_ * ring_bytes_ + kGroup * between_bytes_;
  if (scratch.size() < total) scratch.resize(total);
  pointers_ = reinterpret_cast<const std::uint8_t**>(scratch.data());
  ring_ = reinterpret_cast<std::uint8_t*>(scratch.data() + pointers_bytes);
  between_ = ring_ + ring_rows_ * ring_bytes_;
}

const std::uint8_t* ResizeStream::source(std::size_t row) const noexcept {
  return pushed_ + static_cast<std::ptrdiff_t>(row - pushed_at_) * pushed_stride_;
}

std::uint8_t* ResizeStream::target(std::size_t row) const noexcept {
  return dst_ + static_cast<std::ptrdiff_t>(row) * dst_stride_;
}

std::uint8_t* ResizeStream::ring(std::size_t row) const noexcept { return ring_ + row % ring_rows_ * ring_bytes_; }

std::size_t ResizeStream::push(const std::uint8_t* src, std::ptrdiff_t stride, std::size_t n) {
  const Axis& rows = resizer_.rows_;
  const std::size_t row = given_.y + next_;  // in the source
  next_ += n;
  const std::size_t begin = std::clamp(row, rows.first, rows.end);
  const std::size_t end = std::clamp(row + n, rows.first, rows.end);
  if (begin < end) {
    const std::size_t column = resizer_.columns_.first - given_.x;
    pushed_ = src + static_cast<std::ptrdiff_t>(begin - row) * stride + column * resizer_.spec_.channels;
  }
  pushed_stride_ = stride;
  pushed_at_ = begin - rows.first;
  const std::size_t pushed_end = end - rows.first;
  switch (rows.kind) {
    case Axis::Kind::kCopy: copy_rows(pushed_end); break;
    case Axis::Kind::kPick: pick_rows(pushed_end); break;
    case Axis::Kind::kTaps: direct_ ? vertical_first(pushed_end) : horizontal_first(pushed_end); break;
  }
  return done_;
}

// Each pushed row is one output row: no vertical pass.
void ResizeStream::copy_rows(std::size_t end) {
  const Axis& columns = resizer_.columns_;
  const std::size_t channels = resizer_.spec_.channels;
  while (done_ < end) {
    const std::size_t n = std::min(kGroup, end - done_);
    const std::uint8_t* src[kGroup];
    std::uint8_t* dst[kGroup];
    for (std::size_t r = 0; r < n; ++r) {
      src[r] = source(done_ + r);
      dst[r] = target(done_ + r);
    }
    if (columns.kind == Axis::Kind::kTaps) {
      kernels::resize_rows(columns.taps, channels, src, columns.end - columns.first, dst, n);
    } else {
      for (std::size_t r = 0; r < n; ++r) std::memcpy(dst[r], src[r], columns.size * channels);
    }
    done_ += n;
  }
}

void ResizeStream::pick_rows(std::size_t end) {
  const Axis& columns = resizer_.columns_;
  const Axis& rows = resizer_.rows_;
  for (; done_ < rows.size; ++done_) {
    const std::int64_t pick = rows.pick[done_];
    if (pick < 0 || columns.first == columns.end) {
      std::memset(target(done_), 0, columns.size * resizer_.spec_.channels);
      continue;
    }
    const std::size_t row = static_cast<std::size_t>(pick) - rows.first;
    if (row >= end) return;
    pick_row(columns, resizer_.spec_.channels, source(row), target(done_));
  }
}

// The horizontal pass writes each row to the ring; the vertical pass sums rows of the ring.
void ResizeStream::horizontal_first(std::size_t end) {
  const Axis& columns = resizer_.columns_;
  std::size_t row = pushed_at_;
  do {
    const std::size_t n = std::min(kGroup, end - row);
    const std::uint8_t* src[kGroup];
    std::uint8_t* dst[kGroup];
    for (std::size_t r = 0; r < n; ++r) {
      src[r] = source(row + r);
      dst[r] = ring(row + r);
    }
    kernels::resize_rows(columns.taps, resizer_.spec_.channels, src, columns.end - columns.first, dst, n);
    row += n;
    for (; ready(row); ++done_) vertical(row, target(done_));
  } while (row < end);
}

// The vertical pass sums pushed rows and older ones in the ring; then the horizontal pass, if any, in groups of rows.
void ResizeStream::vertical_first(std::size_t end) {
  const Axis& columns = resizer_.columns_;
  const bool horizontal = columns.kind == Axis::Kind::kTaps;
  while (ready(end)) {
    std::size_t n = 0;
    const std::uint8_t* src[kGroup];
    std::uint8_t* dst[kGroup];
    for (; n < kGroup && ready(end); ++n, ++done_) {
      std::uint8_t* const sum = between_ + n * between_bytes_;
      vertical(pushed_at_, horizontal ? sum : target(done_));
      src[n] = sum;
      dst[n] = target(done_);
    }
    if (horizontal) {
      kernels::resize_rows(columns.taps, resizer_.spec_.channels, src, columns.end - columns.first, dst, n);
    }
  }
  if (done_ == resizer_.rows_.size) return;
  const std::size_t bytes = (columns.end - columns.first) * resizer_.spec_.channels;
  for (std::size_t row = std::max<std::size_t>(resizer_.keep_[done_], pushed_at_); row < end; ++row) {
    std::memcpy(ring(row), source(row), bytes);
  }
}

// True if the first `end` rows contain all rows of the next output row.
bool ResizeStream::ready(std::size_t end) const noexcept {
  const kernels::Taps& taps = resizer_.rows_.taps;
  return done_ < taps.start.size() && taps.start[done_] + taps.count[done_] <= end;
}

// The vertical pass of the next output row. Rows from `direct` are read from the source, earlier ones from the ring.
void ResizeStream::vertical(std::size_t direct, std::uint8_t* dst) {
  const Axis& columns = resizer_.columns_;
  const kernels::Taps& taps = resizer_.rows_.taps;
  for (std::size_t k = 0; k < taps.count[done_]; ++k) {
    const std::size_t row = taps.start[done_] + k;
    pointers_[k] = row < direct ? ring(row) : source(row);
  }
  const std::size_t width = direct_ ? columns.end - columns.first : columns.size;
  kernels::resize_columns(taps, done_, pointers_, dst, width * resizer_.spec_.channels);
}

}  // namespace fastbatch
