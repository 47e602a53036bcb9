// SPDX-License-Identifier: MIT
// Splits a block of bytes into words or lines: decoded and validated. Threads: any, each with its own block.
#pragma once

#include <string>

#include "common/error.h"
#include "text/block.h"
#include "text/files.h"

namespace fastbatch {

// Bytes that are invalid in the encoding, with the fields of Python's UnicodeDecodeError.
class EncodingError : public FormatError {
 public:
  EncodingError(Where where, TextEncoding encoding, std::string bytes, const std::string& reason);
  [[nodiscard]] const char* encoding() const noexcept { return encoding_; }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  const char* encoding_;
  std::string bytes_, reason_;
};

// Sets the block's spans, n_items and is_ascii. At invalid bytes only the items before them are kept, and block.error
// is set to an EncodingError with the location in `source`.
// Universal newlines, as open(): '\r' and '\r\n' become '\n', which is part of the span.
void find_items(TextBlock& block, const TextFormat& format, const TextSource& source);

// Sets block.packed and block.ends. `chop`: without the newline at the end of each line.
void pack_items(TextBlock& block, bool chop);

}  // namespace fastbatch
