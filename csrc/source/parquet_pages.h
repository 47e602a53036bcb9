// SPDX-License-Identifier: MIT
// The pages of a column of byte strings in a Parquet file: images. Apache Parquet, Thrift's compact protocol.
// Read here: plain and dictionary pages of both versions, stored or packed by Snappy, without nulls and lists. Whatever
// else, and all damage, is left to pyarrow, whose word counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "source/byte_stream.h"

namespace fastbatch {

enum class ParquetCodec : std::uint8_t { kStored, kSnappy };

struct ParquetColumn {
  ParquetCodec codec = ParquetCodec::kStored;
  unsigned most_defined = 0;  // definition level of a value that is there
};

// Reads `n_rows` values. All pages are unpacked into `memory`, one after another; `bounds` becomes the begin and the
// end of each value in it, two numbers a row. False: not read here, or more than `memory` holds. Throws what the
// reading throws, and std::bad_alloc. Threads: any; no state.
bool read_byte_strings(ByteStream& src, const ParquetColumn& column, std::uint64_t n_rows, std::span<std::byte> memory,
                       std::vector<std::uint64_t>& bounds);

}  // namespace fastbatch
