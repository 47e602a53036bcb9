// SPDX-License-Identifier: MIT
// Snappy's format without frames, as the pages of Parquet have it: google/snappy, format_description.txt. Images hardly
// become smaller by it: most of such a page are long literals, which are read straight to their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "source/byte_stream.h"

namespace fastbatch {

// Unpacks the next `n_packed` bytes of `src` to `dst`. False for damaged data, or if anything but `dst.size()` bytes
// come out. Throws what the reading throws. Threads: any; no state.
bool unpack_snappy(ByteStream& src, std::uint64_t n_packed, std::span<std::byte> dst);

}  // namespace fastbatch
