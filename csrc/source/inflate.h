// SPDX-License-Identifier: MIT
// Inflates (zlib) a range of a mapped file into memory of known size. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "source/mapped_file.h"

namespace fastbatch {

enum class Wrapping : std::uint8_t { kRaw, kGzip };  // kGzip checks each member's CRC and length itself

// No stream of `compressed` bytes inflates to more than this (deflate's best is 1032 to 1).
constexpr std::uint64_t inflate_bound(std::uint64_t compressed) {
  constexpr std::uint64_t kRatio = 1032;
  return compressed > (UINT64_MAX - 64) / kRatio ? UINT64_MAX : compressed * kRatio + 64;
}

struct Inflated {
  std::uint64_t n_bytes = 0;  // written to dst
  bool more = false;          // the stream goes on after dst is full
};

// Inflates `range` of `file` into dst until one of them ends. Throws FormatError: damaged data, a stream that ends
// early (unless dst is full), bytes after the stream. `prefix` begins the message.
Inflated inflate_range(const MappedFile& file, ByteRange range, Wrapping wrapping, std::span<std::byte> dst,
                       const std::string& prefix);

}  // namespace fastbatch
