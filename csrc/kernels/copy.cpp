// SPDX-License-Identifier: MIT
// Gathers rows into a batch, and swaps byte order.
// Copies with memcpy: non-temporal stores are slower in total, since the batch is read afterwards.
#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/kernels.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/copy.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

// Swaps whole vectors, and returns the number of bytes done.
#if FASTBATCH_VECTOR_TARGET
HWY_ATTR std::size_t SwapVectors(const std::byte* src, std::byte* dst, std::size_t n_bytes, std::size_t unit) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t lanes = hn::Lanes(d);
  alignas(16) std::uint8_t order[16];  // the same for every 16 bytes: no unit crosses a block
  for (std::size_t i = 0; i < 16; ++i) order[i] = static_cast<std::uint8_t>(i - i % unit + (unit - 1 - i % unit));
  const auto indices = hn::LoadDup128(d, order);
  const auto* from = reinterpret_cast<const std::uint8_t*>(src);
  auto* to = reinterpret_cast<std::uint8_t*>(dst);
  std::size_t done = 0;
  for (; done + lanes <= n_bytes; done += lanes) {
    hn::StoreU(hn::TableLookupBytes(hn::LoadU(d, from + done), indices), d, to + done);
  }
  return done;
}
#else
std::size_t SwapVectors(const std::byte*, std::byte*, std::size_t, std::size_t) { return 0; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(SwapVectors);

namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kLongRow = 5120;  // bytes

// Asks for the line to be brought into L2. Into L1 (`prefetcht0`) it would occupy one of the few buffers for lines that
// L1 misses, which the copy needs too: 256 random rows of 3,136 bytes in 122 us instead of 77.
inline void prefetch_line(const std::byte* line) { __builtin_prefetch(line, 0, 2); }

// Random rows are bound by memory latency: while a row is copied, all lines of a later row are prefetched, so that
// about 8 KiB are on their way.
struct Lookahead {
  static constexpr std::size_t kBytes = 8192;
  static constexpr std::size_t kMostRows = 32;
  explicit Lookahead(std::size_t row_bytes)
      : lines(std::min((row_bytes + kCacheLine - 1) / kCacheLine, kBytes / kCacheLine)),
        rows(std::clamp<std::size_t>(kBytes / row_bytes, 1, kMostRows)) {}
  // Before the first row is copied.
  template <typename Rows>
  void begin(const Rows& source) const {
    for (std::size_t j = 0; j < std::min(rows, source.indices.size()); ++j) fetch(source[j]);
  }
  void fetch(const std::byte* row) const {
    for (std::size_t line = 0; line < lines; ++line) prefetch_line(row + line * kCacheLine);
  }
  std::size_t lines;  // prefetched lines per row
  std::size_t rows;   // distance, in rows
};

struct Rows {
  const std::byte* base;
  std::ptrdiff_t stride;
  std::span<const std::uint64_t> indices;
  const std::byte* operator[](std::size_t j) const { return base + static_cast<std::ptrdiff_t>(indices[j]) * stride; }
};

// Where the rows go: one after another, or to places.
struct Slots {
  std::byte* first;
  std::size_t row_bytes;
  std::byte* operator[](std::size_t j) const { return first + j * row_bytes; }
};
struct Places {
  Slots slots;
  std::span<const std::uint64_t> places;
  std::byte* operator[](std::size_t j) const { return slots[places[j]]; }
};

// For labels and other tiny rows: with a compile-time size the copy is a few loads and stores.
template <std::size_t kRowBytes, typename To>
void gather_tiny(const Rows& rows, const To& to) {
  const Lookahead ahead(kRowBytes);
  ahead.begin(rows);
  const std::size_t n = rows.indices.size();
  for (std::size_t j = 0; j < n; ++j) {
    if (j + ahead.rows < n) ahead.fetch(rows[j + ahead.rows]);
    std::memcpy(to[j], rows[j], kRowBytes);
  }
}

// Calls memcpy even if the compiler knows the size and would emit `rep movs`, which is a third slower here.
[[gnu::noinline]] void copy_bytes(std::byte* dst, const std::byte* src, std::size_t n_bytes) {
  std::memcpy(dst, src, n_bytes);
}

// Copies a long row in pieces, and with each piece prefetches the same piece of the next row.
template <typename To>
void gather_long(const Rows& rows, std::size_t row_bytes, const To& to) {
  constexpr std::size_t kPiece = 512;
  constexpr std::size_t kMostAhead = 16384;  // bytes of a row; the hardware prefetcher handles the rest
  const std::size_t n = rows.indices.size();
  const std::size_t in_pieces = std::min(row_bytes, kMostAhead) / kPiece * kPiece;
  for (std::size_t j = 0; j < n; ++j) {
    const std::byte* const row = rows[j];
    std::byte* const dst = to[j];
    const std::byte* const coming = j + 1 < n ? rows[j + 1] : row;
    for (std::size_t at = 0; at < in_pieces; at += kPiece) {
      for (std::size_t line = at; line < at + kPiece; line += kCacheLine) prefetch_line(coming + line);
      copy_bytes(dst + at, row + at, kPiece);
    }
    copy_bytes(dst + in_pieces, row + in_pieces, row_bytes - in_pieces);
  }
}

template <typename To>
void gather_rows(const Rows& rows, std::size_t row_bytes, const To& to) {
  const Lookahead ahead(row_bytes);
  ahead.begin(rows);
  const std::size_t n = rows.indices.size();
  for (std::size_t j = 0; j < n; ++j) {
    if (j + ahead.rows < n) ahead.fetch(rows[j + ahead.rows]);
    std::memcpy(to[j], rows[j], row_bytes);
  }
}

template <typename To>
void gather_to(const Rows& rows, std::size_t row_bytes, const To& to) {
  switch (row_bytes) {
    case 1: return gather_tiny<1>(rows, to);
    case 2: return gather_tiny<2>(rows, to);
    case 4: return gather_tiny<4>(rows, to);
    case 8: return gather_tiny<8>(rows, to);
    case 16: return gather_tiny<16>(rows, to);
    case 32: return gather_tiny<32>(rows, to);
    case 64: return gather_tiny<64>(rows, to);
    default: return row_bytes < kLongRow ? gather_rows(rows, row_bytes, to) : gather_long(rows, row_bytes, to);
  }
}

// Copies contiguous pieces of one size to places `stride` apart. A call of memcpy per piece would cost more than the
// copy: a short piece is copied as its first and its last bytes, which may overlap.
template <std::size_t kUnit>
void spread_short(const std::byte* src, std::size_t piece, std::size_t n, std::byte* dst, std::size_t stride) {
  const std::size_t last = piece - kUnit;
  for (std::size_t i = 0; i < n; ++i, src += piece, dst += stride) {
    std::memcpy(dst, src, kUnit);
    if (last > 0) std::memcpy(dst + last, src + last, kUnit);
  }
}

void spread_blocks(const std::byte* src, std::size_t piece, std::size_t n, std::byte* dst, std::size_t stride) {
  constexpr std::size_t kBlock = 32;
  for (std::size_t i = 0; i < n; ++i, src += piece, dst += stride) {
    for (std::size_t at = 0; at + kBlock < piece; at += kBlock) std::memcpy(dst + at, src + at, kBlock);
    std::memcpy(dst + piece - kBlock, src + piece - kBlock, kBlock);
  }
}

void spread(const std::byte* src, std::size_t piece, std::size_t n, std::byte* dst, std::size_t stride) {
  constexpr std::size_t kLongPiece = 512;
  if (piece == stride) return copy_bytes(dst, src, n * piece);
  if (piece < 2) return spread_short<1>(src, piece, n, dst, stride);
  if (piece < 4) return spread_short<2>(src, piece, n, dst, stride);
  if (piece < 8) return spread_short<4>(src, piece, n, dst, stride);
  if (piece < 16) return spread_short<8>(src, piece, n, dst, stride);
  if (piece <= 32) return spread_short<16>(src, piece, n, dst, stride);
  if (piece < kLongPiece) return spread_blocks(src, piece, n, dst, stride);
  for (std::size_t i = 0; i < n; ++i) copy_bytes(dst + i * stride, src + i * piece, piece);
}

bool is_range(std::span<const std::uint64_t> rows) {
  for (std::size_t j = 1; j < rows.size(); ++j) {
    if (rows[j] != rows[j - 1] + 1) return false;
  }
  return true;
}

}  // namespace

void gather(const std::byte* base, std::ptrdiff_t stride, std::size_t row_bytes, std::span<const std::uint64_t> rows,
            std::byte* dst) {
  if (rows.empty() || row_bytes == 0) return;
  const Rows source{base, stride, rows};
  // Unshuffled rows are contiguous. On a Zen 5 memcpy copies 803 KB in 24 us; line by line, with software prefetch, it
  // took
  // 34. (That way a Xeon copied 600 MB a sixth faster.)
  if (std::cmp_equal(stride, row_bytes) && is_range(rows)) {
    return copy_bytes(dst, source[0], rows.size() * row_bytes);
  }
  gather_to(source, row_bytes, Slots{dst, row_bytes});
}

void scatter(const std::byte* base, std::ptrdiff_t stride, std::size_t row_bytes, std::span<const std::uint64_t> rows,
             std::byte* dst, std::span<const std::uint64_t> places) {
  if (rows.empty() || row_bytes == 0) return;
  gather_to(Rows{base, stride, rows}, row_bytes, Places{{dst, row_bytes}, places});
}

void prefetch(const std::byte* row, std::size_t row_bytes) {
  constexpr std::size_t kMost = 16384;
  for (std::size_t at = 0; at < std::min(row_bytes, kMost); at += kCacheLine) prefetch_line(row + at);
}

void gather_pieces(const std::byte* base, std::ptrdiff_t stride, std::size_t row_bytes,
                   std::span<const std::uint64_t> rows, std::size_t n_pieces, std::byte* dst, std::size_t dst_stride) {
  if (rows.empty() || row_bytes == 0) return;
  const Rows source{base, stride, rows};
  const std::size_t piece = row_bytes / n_pieces;
  if (std::cmp_equal(stride, row_bytes) && is_range(rows))
    return spread(source[0], piece, rows.size() * n_pieces, dst, dst_stride);
  const Lookahead ahead(row_bytes);
  ahead.begin(source);
  for (std::size_t j = 0; j < rows.size(); ++j, dst += n_pieces * dst_stride) {
    if (j + ahead.rows < rows.size()) ahead.fetch(source[j + ahead.rows]);
    spread(source[j], piece, n_pieces, dst, dst_stride);
  }
}

void byte_swap(const std::byte* src, std::byte* dst, std::size_t n_units, std::size_t unit) {
  const std::size_t n_bytes = n_units * unit;
  if (n_bytes == 0) return;
  if (unit == 1) {
    std::memmove(dst, src, n_bytes);
    return;
  }
  const std::size_t done = scalar_only() ? 0 : HWY_DYNAMIC_DISPATCH(SwapVectors)(src, dst, n_bytes, unit);
  for (std::size_t start = done; start < n_bytes; start += unit) {
    std::byte reversed[16];
    std::reverse_copy(src + start, src + start + unit, reversed);
    std::memcpy(dst + start, reversed, unit);
  }
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
