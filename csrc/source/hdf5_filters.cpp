// SPDX-License-Identifier: MIT
#include "source/hdf5_filters.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "common/error.h"
#include "source/load.h"

namespace fastbatch {
namespace {

constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kMostWords = 360;  // whose sums fit 32 bits

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

[[noreturn]] void fail_size(std::size_t expected, std::size_t found) {
  throw DecodeError(
      {}, "chunk of another size: expected " + std::to_string(expected) + " bytes, found " + std::to_string(found));
}

bool compresses(Hdf5Filter filter) { return filter == Hdf5Filter::kDeflate || filter == Hdf5Filter::kLzf; }

void inflate_zlib(std::span<const std::byte> packed, std::span<std::byte> dst) {
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor{libdeflate_alloc_decompressor()};
  if (!decompressor) throw std::bad_alloc();
  std::size_t made = 0;
  switch (libdeflate_zlib_decompress(decompressor.get(), packed.data(), packed.size(), dst.data(), dst.size(), &made)) {
    case LIBDEFLATE_SUCCESS: break;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      throw DecodeError({}, "chunk of another size: expected " + std::to_string(dst.size()) + " bytes, found more");
    default:
      throw DecodeError(
          {}, "damaged chunk: expected zlib data, found " + std::to_string(packed.size()) + " bytes of others");
  }
  if (made != dst.size()) fail_size(dst.size(), made);
}

// The format of liblzf: a byte below 32 is followed by as many literals and one; any other is the length of a copy from
// before and the high bits of its distance.
void inflate_lzf(std::span<const std::byte> packed, std::span<std::byte> dst) {
  const auto byte_at = [&](std::size_t at) {
    if (at >= packed.size()) throw DecodeError({}, "damaged chunk: expected lzf data, found their end");
    return std::to_integer<std::size_t>(packed[at]);
  };
  std::size_t at = 0;
  std::size_t n = 0;
  const auto require_room = [&](std::size_t size) {
    if (size > dst.size() - n) {
      throw DecodeError({}, "chunk of another size: expected " + std::to_string(dst.size()) + " bytes, found more");
    }
  };
  while (at < packed.size()) {
    const std::size_t control = byte_at(at++);
    if (control < 32) {
      const std::size_t size = control + 1;
      require_room(size);
      if (size > packed.size() - at) throw DecodeError({}, "damaged chunk: expected lzf data, found their end");
      std::memcpy(dst.data() + n, packed.data() + at, size);
      at += size;
      n += size;
      continue;
    }
    std::size_t size = control >> 5U;
    if (size == 7) size += byte_at(at++);
    size += 2;
    const std::size_t distance = ((control & 31U) << 8U) + byte_at(at++) + 1;
    require_room(size);
    if (distance > n) {
      throw DecodeError({}, "damaged chunk: expected lzf data, found a copy from before their beginning");
    }
    for (std::size_t i = 0; i < size; ++i, ++n) dst[n] = dst[n - distance];  // the two may overlap
  }
  if (n != dst.size()) fail_size(dst.size(), n);
}

template <std::size_t kItem>
void unshuffle_items(const std::byte* src, std::byte* dst, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t b = 0; b < kItem; ++b) dst[i * kItem + b] = src[b * n + i];
  }
}

// Bytes behind the last whole element are not moved.
void unshuffle(std::span<const std::byte> src, std::size_t itemsize, std::byte* dst) {
  const std::size_t n = src.size() / itemsize;
  switch (itemsize) {
    case 2: unshuffle_items<2>(src.data(), dst, n); break;
    case 4: unshuffle_items<4>(src.data(), dst, n); break;
    case 8: unshuffle_items<8>(src.data(), dst, n); break;
    default:
      for (std::size_t b = 0; b < itemsize; ++b) {
        for (std::size_t i = 0; i < n; ++i) dst[i * itemsize + b] = src[b * n + i];
      }
  }
  const std::size_t rest = n * itemsize;
  if (rest < src.size()) std::memcpy(dst + rest, src.data() + rest, src.size() - rest);
}

void check_fletcher32(std::vector<std::byte>& chunk) {
  if (chunk.size() < kChecksumBytes) fail_size(kChecksumBytes, chunk.size());
  const std::size_t size = chunk.size() - kChecksumBytes;
  const auto stored = load_little<std::uint32_t>(chunk, size);
  chunk.resize(size);
  const std::uint32_t sum = fletcher32(chunk);
  // Libraries before 1.6.3 swapped the bytes of each word.
  const std::uint32_t swapped = ((sum & 0x00FF00FFU) << 8U) | ((sum & 0xFF00FF00U) >> 8U);
  if (stored != sum && stored != swapped) {
    throw DecodeError(
        {}, "damaged chunk: expected the checksum " + std::to_string(sum) + ", found " + std::to_string(stored));
  }
}

}  // namespace

std::uint32_t fletcher32(std::span<const std::byte> bytes) noexcept {
  std::uint32_t sum1 = 0;
  std::uint32_t sum2 = 0;
  const auto fold = [](std::uint32_t sum) { return (sum & 0xFFFFU) + (sum >> 16U); };
  std::size_t at = 0;
  for (std::size_t words = bytes.size() / 2; words > 0;) {
    const std::size_t n = std::min(words, kMostWords);
    words -= n;
    for (std::size_t i = 0; i < n; ++i, at += 2) {
      sum1 += (std::to_integer<std::uint32_t>(bytes[at]) << 8U) | std::to_integer<std::uint32_t>(bytes[at + 1]);
      sum2 += sum1;
    }
    sum1 = fold(sum1);
    sum2 = fold(sum2);
  }
  if (bytes.size() % 2 != 0) {
    sum1 += std::to_integer<std::uint32_t>(bytes[at]) << 8U;
    sum2 += sum1;
    sum1 = fold(sum1);
    sum2 = fold(sum2);
  }
  return (fold(sum2) << 16U) | fold(sum1);
}

void undo_filters(std::span<const Hdf5Filter> filters, std::uint32_t mask, std::size_t itemsize, std::size_t n_bytes,
                  std::vector<std::byte>& chunk, std::vector<std::byte>& scratch) {
  if (std::count_if(filters.begin(), filters.end(), compresses) > 1) {
    throw std::invalid_argument("filters: expected at most one that compresses, found more");
  }
  if (itemsize == 0) throw std::invalid_argument("filters: expected elements of at least 1 byte, found 0");
  const auto is_applied = [&](std::size_t i) { return i >= 32 || (mask >> i & 1U) == 0; };
  for (std::size_t i = filters.size(); i-- > 0;) {
    if (!is_applied(i)) continue;
    if (filters[i] == Hdf5Filter::kFletcher32) {
      check_fletcher32(chunk);
      continue;
    }
    std::size_t size = chunk.size();
    if (compresses(filters[i])) {  // the filters before it keep the size, or add a checksum
      size = n_bytes;
      for (std::size_t j = 0; j < i; ++j) {
        if (is_applied(j) && filters[j] == Hdf5Filter::kFletcher32) size += kChecksumBytes;
      }
    } else if (itemsize == 1) {
      continue;
    }
    scratch.resize(size);
    switch (filters[i]) {
      case Hdf5Filter::kDeflate: inflate_zlib(chunk, scratch); break;
      case Hdf5Filter::kLzf: inflate_lzf(chunk, scratch); break;
      case Hdf5Filter::kShuffle: unshuffle(chunk, itemsize, scratch.data()); break;
      case Hdf5Filter::kFletcher32: break;
    }
    chunk.swap(scratch);
  }
  if (chunk.size() != n_bytes) fail_size(n_bytes, chunk.size());
}

}  // namespace fastbatch
