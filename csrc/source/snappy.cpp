// SPDX-License-Identifier: MIT
#include "source/snappy.h"

#include <cstring>
#include <optional>

namespace fastbatch {
namespace {

// A number of `n` bytes, the lowest first.
std::optional<std::uint64_t> take_number(ByteStream& src, unsigned n) {
  std::uint64_t number = 0;
  for (unsigned i = 0; i < n; ++i) {
    const std::optional<std::uint8_t> byte = src.take_byte();
    if (!byte) return {};
    number |= std::uint64_t{*byte} << (8 * i);
  }
  return number;
}

// The size of what was packed: 7 bits a byte.
std::optional<std::uint64_t> take_size(ByteStream& src) {
  std::uint64_t size = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::optional<std::uint8_t> byte = src.take_byte();
    if (!byte) return {};
    size |= std::uint64_t{*byte & 0x7FU} << shift;
    if (*byte < 0x80U) return size;
  }
  return {};
}

// Repeats `n` bytes from `back` before `to`, which may overlap.
void repeat(std::byte* to, std::size_t back, std::size_t n) {
  const std::byte* const from = to - back;
  if (back >= n) {
    std::memcpy(to, from, n);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

}  // namespace

bool unpack_snappy(ByteStream& src, std::uint64_t n_packed, std::span<std::byte> dst) {
  if (n_packed > src.left()) return false;
  const std::uint64_t rest = src.left() - n_packed;
  if (take_size(src) != std::uint64_t{dst.size()}) return false;
  std::size_t done = 0;
  while (src.left() > rest) {
    const std::optional<std::uint8_t> tag = src.take_byte();
    if (!tag) return false;
    const unsigned kind = *tag & 3U;
    const unsigned high = *tag >> 2U;
    std::optional<std::uint64_t> n = high + 1U;
    if (kind == 0) {
      if (high >= 60) n = take_number(src, high - 59);
      if (!n) return false;
      if (high >= 60) ++*n;
      if (*n > dst.size() - done || src.left() < rest || *n > src.left() - rest) return false;
      if (!src.take(dst.subspan(done, static_cast<std::size_t>(*n)))) return false;
    } else {
      std::optional<std::uint64_t> back = take_number(src, kind == 1 ? 1 : kind == 2 ? 2 : 4);
      if (!back) return false;
      if (kind == 1) {
        n = (high & 7U) + 4U;
        *back |= std::uint64_t{high >> 3U} << 8U;
      }
      if (*back == 0 || *back > done || *n > dst.size() - done) return false;
      repeat(dst.data() + done, static_cast<std::size_t>(*back), static_cast<std::size_t>(*n));
    }
    done += static_cast<std::size_t>(*n);
  }
  return src.left() == rest && done == dst.size();
}

}  // namespace fastbatch
