// SPDX-License-Identifier: MIT
// White space as in Python's str.split() and str.isspace(), in UTF-8. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch {

constexpr bool is_ascii_space(std::uint8_t c) noexcept {
  return c == 0x20 || static_cast<std::uint8_t>(c - 0x09) <= 4 || static_cast<std::uint8_t>(c - 0x1C) <= 3;
}

// True for the first byte of all white space that is not ASCII, and of many other characters.
constexpr bool may_begin_wide_space(std::uint8_t c) noexcept { return c == 0xC2 || (c >= 0xE1 && c <= 0xE3); }

// Length in bytes of the white-space character at text[0], or 0; `size` > 0 bytes may be read.
constexpr std::size_t space_size(const std::uint8_t* text, std::size_t size) noexcept {
  const std::uint8_t c = text[0];
  if (c < 0x80) return is_ascii_space(c) ? 1 : 0;
  if (!may_begin_wide_space(c) || size < 2) return 0;
  const std::uint8_t second = text[1];
  if (c == 0xC2) return second == 0x85 || second == 0xA0 ? 2 : 0;  // U+0085, U+00A0
  if (size < 3) return 0;
  const std::uint8_t third = text[2];
  bool is_space = false;
  if (c == 0xE1) {
    is_space = second == 0x9A && third == 0x80;  // U+1680
  } else if (c == 0xE3) {
    is_space = second == 0x80 && third == 0x80;  // U+3000
  } else if (second == 0x80) {                   // U+2000 to U+200A, U+2028, U+2029, U+202F
    is_space = (third >= 0x80 && third <= 0x8A) || third == 0xA8 || third == 0xA9 || third == 0xAF;
  } else {
    is_space = second == 0x81 && third == 0x9F;  // U+205F
  }
  return is_space ? 3 : 0;
}

}  // namespace fastbatch
