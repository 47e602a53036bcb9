// SPDX-License-Identifier: MIT
// Finds a number in a long array, for example the end tokens of documents.
// Threads: any.
#pragma once

#include <cstdint>
#include <vector>

#include "decode/decoder.h"

namespace fastbatch {

// The positions of `value` among the elements of all samples of `blocks`, concatenated. The slots hold int64; throws
// std::invalid_argument otherwise, and the errors of decoding.
std::vector<std::uint64_t> find_all(const Decoder& blocks, std::int64_t value);

}  // namespace fastbatch
