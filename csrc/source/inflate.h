// SPDX-License-Identifier: MIT
// Inflates a range of a mapped file with zlib into memory of known size. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "source/mapped_file.h"

namespace fastbatch {

enum class Wrapping : std::uint8_t { kRaw, kGzip };  // kGzip: zlib checks the CRC and length of each member

// Upper bound of the inflated size of `compressed` bytes (deflate's maximum ratio is 1032).
constexpr std::uint64_t inflate_bound(std::uint64_t compressed) {
  constexpr std::uint64_t kRatio = 1032;
  return compressed > (UINT64_MAX - 64) / kRatio ? UINT64_MAX : compressed * kRatio + 64;
}

struct Inflated {
  std::uint64_t n_bytes = 0;  // written to dst
  bool more = false;          // the stream continues after dst is full
};

// Inflates `range` of `file` into dst until one of them ends. Throws FormatError for damaged data, a stream that ends
// early (unless dst is full), or bytes after the stream. `prefix` begins the message.
Inflated inflate_range(const MappedFile& file, ByteRange range, Wrapping wrapping, std::span<std::byte> dst,
                       const std::string& prefix);

}  // namespace fastbatch
