// SPDX-License-Identifier: MIT
// Finds bytes that are invalid in an encoding, and applies Python's error handlers to them. Threads: any.
#pragma once

#include <cstdint>
#include <span>

#include "text/block.h"

namespace fastbatch {

// The first invalid sequence, with the length that Python's decoders report.
struct BadText {
  std::size_t begin = 0;
  std::size_t size = 0;  // 0: all bytes are valid
  const char* reason = "";
};

// Searches from `from`, the start of a character. `text` ends at the end of its file or after a whole character.
BadText find_bad_text(std::span<const std::byte> text, std::size_t from, TextEncoding encoding) noexcept;

// Applies `errors` (not kStrict) to the block's text, or converts kLatin1 to UTF-8, and updates the segments.
// Surrogates of surrogateescape are written as three bytes each (generalised UTF-8).
void rewrite_text(TextBlock& block, TextEncoding encoding, TextErrors errors);

}  // namespace fastbatch
