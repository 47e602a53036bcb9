// SPDX-License-Identifier: MIT
// Bytes that should be text: where they are not, and what Python's error handlers make of that. Threads: any.
#pragma once

#include <cstdint>
#include <span>

#include "text/block.h"

namespace fastbatch {

// The first part that is no text, cut as Python's decoders cut it.
struct BadText {
  std::size_t begin = 0;
  std::size_t size = 0;  // 0: all is text
  const char* reason = "";
};

// Looks from `from` on, where a character begins. `text` ends where its file ends, or after a whole character.
BadText find_bad_text(std::span<const std::byte> text, std::size_t from, TextEncoding encoding) noexcept;

// Rewrites the block's text as `errors` (not kStrict) says, or, of kLatin1, as UTF-8. Positions stay right. Characters
// that surrogateescape makes are in UTF-8's general form, three bytes each.
void rewrite_text(TextBlock& block, TextEncoding encoding, TextErrors errors);

}  // namespace fastbatch
