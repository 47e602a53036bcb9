// SPDX-License-Identifier: MIT
// Any bytes as the pages of a column of byte strings: refused, or as many strings as rows, all of them in the memory.
// The first four bytes choose the compression, the definition level, the rows and the memory.
#include <algorithm>
#include <cstdlib>

#include "source/parquet_pages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fastbatch;
  if (size < 4) return 0;
  const ParquetColumn column{(data[0] & 1U) != 0 ? ParquetCodec::kSnappy : ParquetCodec::kStored, data[1] % 4U};
  const std::uint64_t n_rows = data[2];
  std::vector<std::byte> memory(data[3] * std::size_t{64});
  std::vector<std::uint64_t> bounds;
  const auto read = [&](std::uint64_t offset, std::span<std::byte> dst) {
    const std::size_t n = std::min<std::size_t>(dst.size(), size - static_cast<std::size_t>(offset));
    std::copy_n(reinterpret_cast<const std::byte*>(data) + offset, n, dst.begin());
    return n;
  };
  ByteStream stream(read, 4, size);
  if (!read_byte_strings(stream, column, n_rows, memory, bounds)) return 0;
  if (bounds.size() != 2 * n_rows) std::abort();
  for (std::size_t i = 0; i < bounds.size(); i += 2) {
    if (bounds[i] > bounds[i + 1] || bounds[i + 1] > memory.size()) std::abort();
  }
  return 0;
}
