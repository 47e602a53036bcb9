// SPDX-License-Identifier: MIT
// The interface of the hot loops: plain functions, dispatched at run time for this CPU. Only kernels/*.cpp use Highway.
// Every target gives the same bytes as "scalar", plain C++. Pointers need no alignment; nothing here allocates.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/dtype.h"

namespace fastbatch::kernels {

// ---- targets.cpp: which instruction sets are in use ----------------------------------------------------------------

// The targets that both this binary and this CPU support, best first; "scalar" is always last.
std::vector<std::string> supported_targets();
// The target in use.
std::string active_target();
// "1.3.0", of the headers.
std::string highway_version();
// Narrows to one target by name: "scalar", "sse4", "avx2", "avx3", "neon", ...; "" restores the best one.
// Throws std::invalid_argument with the supported names. Must not be called while other threads run kernels.
void narrow_targets(std::string_view name);

// ---- copy.cpp ------------------------------------------------------------------------------------------------------

// Copies row_bytes bytes from base + rows[j] * stride to dst + j * row_bytes, for every j; no overlap.
void gather(const std::byte* base, std::ptrdiff_t stride, std::size_t row_bytes, std::span<const std::uint64_t> rows,
            std::byte* dst);
// As gather(), but rows[j] is copied to dst + places[j] * row_bytes.
void scatter(const std::byte* base, std::ptrdiff_t stride, std::size_t row_bytes, std::span<const std::uint64_t> rows,
             std::byte* dst, std::span<const std::uint64_t> places);
// Asks for a row that will be read next; at most its first 16 KiB, since the processor finds the rest by itself.
void prefetch(const std::byte* row, std::size_t row_bytes);
// As gather(), with each row divided into n_pieces equal pieces. Piece p of rows[j] is copied to dst +
// (j * n_pieces + p) * dst_stride; dst_stride is at least the size of a piece.
void gather_pieces(const std::byte* base, std::ptrdiff_t stride, std::size_t row_bytes,
                   std::span<const std::uint64_t> rows, std::size_t n_pieces, std::byte* dst, std::size_t dst_stride);
// Reverses the bytes of each of n_units units of `unit` bytes: 1, 2, 4, 8 or 16. dst may be src.
void byte_swap(const std::byte* src, std::byte* dst, std::size_t n_units, std::size_t unit);

// ---- mirror.cpp ----------------------------------------------------------------------------------------------------

// Copies the pixels in reverse order, with vectors for pixels of 1 to 4 bytes; no overlap.
void mirror(const std::uint8_t* src, std::uint8_t* dst, std::size_t n_bytes, std::size_t pixel_bytes);

// ---- cast.cpp ------------------------------------------------------------------------------------------------------

enum class Channels : std::uint8_t { kLast, kFirst };  // (pixels, channels) or (channels, pixels)

// dst = src * scale[c] + shift[c]: cast, normalise and transpose of one sample in one pass.
//   Without scale: what ndarray.astype does (integers wrap; float to integer truncates, saturates, NaN gives 0).
//   With scale: in float32 when dst is float16, or when src has at most 16 bits or is float32 and dst has at most 16
//   bits or is float32; else in float64. scale and shift are rounded to that type first, the product and the sum are
//   each rounded (never fused); the result is then cast as above. A NaN stays NaN between floats; a signalling one
//   becomes quiet, unless src and dst are the same type without scale.
struct Conversion {
  DType src = DType::kU8;
  DType dst = DType::kU8;
  bool swap_bytes = false;  // src has the opposite byte order
  Channels from = Channels::kLast;
  Channels to = Channels::kLast;
  std::size_t channels = 1;
  std::vector<double> scale{};  // `channels` values, or empty for a plain cast
  std::vector<double> shift{};  // as long as scale
};
// Where the results are written. kStreaming is a hint: dst is part of memory that is larger than the caches, so what
// can be written around them is.
enum class Stores : std::uint8_t { kCached, kStreaming };
// Converts one sample of `pixels` pixels; no overlap. Throws std::invalid_argument for opaque elements, and if the
// numbers of scales or shifts differ from the number of channels.
void convert(const Conversion& conversion, const std::byte* src, std::byte* dst, std::size_t pixels,
             Stores stores = Stores::kCached);

}  // namespace fastbatch::kernels
