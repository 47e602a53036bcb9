// SPDX-License-Identifier: MIT
// Finds a number in a long array: the ends of the documents among tokens.
// Threads: any.
#pragma once

#include <cstdint>
#include <vector>

#include "decode/decoder.h"

namespace fastbatch {

// Places of `value` among the elements of all samples of `blocks`, counted from the first sample's first. The slots
// hold int64 numbers; throws std::invalid_argument when they do not, and what decoding throws.
std::vector<std::uint64_t> find_all(const Decoder& blocks, std::int64_t value);

}  // namespace fastbatch
