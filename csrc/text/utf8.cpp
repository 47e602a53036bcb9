// SPDX-License-Identifier: MIT
// The sequences that count as one error follow the Unicode Standard, section 3.9, "U+FFFD Substitution of Maximal
// Subparts", as in Python.
#include "text/utf8.h"

#include <cstring>
#include <string>
#include <utility>

namespace fastbatch {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

std::uint8_t byte_at(std::span<const std::byte> text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

// The position of the first byte from i that is not ASCII.
std::size_t skip_ascii(std::span<const std::byte> text, std::size_t i) noexcept {
  for (; i + sizeof(std::uint64_t) <= text.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  while (i < text.size() && byte_at(text, i) < 0x80) ++i;
  return i;
}

// The sequence that a byte begins: `size` bytes, the second one in [low, high]. size 0: not a first byte.
struct Sequence {
  std::size_t size = 0;
  std::uint8_t low = 0x80, high = 0xBF;
};

Sequence sequence_of(std::uint8_t first) noexcept {
  if (first < 0xC2 || first > 0xF4) return {};
  if (first < 0xE0) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

void append_utf8(TextBuffer& text, unsigned code) {  // codes of two or three bytes
  char bytes[3];
  if (code < 0x800) {
    bytes[0] = static_cast<char>(0xC0 | code >> 6);
    bytes[1] = static_cast<char>(0x80 | (code & 0x3F));
    return text.append(bytes, 2);
  }
  bytes[0] = static_cast<char>(0xE0 | code >> 12);
  bytes[1] = static_cast<char>(0x80 | (code >> 6 & 0x3F));
  bytes[2] = static_cast<char>(0x80 | (code & 0x3F));
  text.append(bytes, 3);
}

void append_replacement(TextBuffer& text, std::span<const std::byte> bad, TextErrors errors) {
  if (errors == TextErrors::kReplace) return append_utf8(text, 0xFFFD);
  if (errors == TextErrors::kIgnore) return;
  for (const std::byte byte : bad) {
    const auto value = static_cast<unsigned>(byte);
    if (errors == TextErrors::kSurrogateEscape) {
      append_utf8(text, 0xDC00 + value);
    } else {
      const char* digits = "0123456789abcdef";
      const char escape[4] = {'\\', 'x', digits[value >> 4], digits[value & 15]};
      text.append(escape, sizeof escape);
    }
  }
}

}  // namespace

BadText find_bad_text(std::span<const std::byte> text, std::size_t from, TextEncoding encoding) noexcept {
  for (std::size_t i = skip_ascii(text, from); i < text.size();) {
    const std::uint8_t first = byte_at(text, i);
    if (first < 0x80) {
      i = skip_ascii(text, i);
      continue;
    }
    if (encoding == TextEncoding::kAscii) return {i, 1, "ordinal not in range(128)"};
    const Sequence sequence = sequence_of(first);
    if (sequence.size == 0) return {i, 1, "invalid start byte"};
    for (std::size_t k = 1; k < sequence.size; ++k) {
      if (i + k >= text.size()) return {i, k, "unexpected end of data"};
      const std::uint8_t next = byte_at(text, i + k);
      const bool fits = k == 1 ? next >= sequence.low && next <= sequence.high : (next & 0xC0) == 0x80;
      if (!fits) return {i, k, "invalid continuation byte"};
    }
    i += sequence.size;
  }
  return {text.size(), 0, ""};
}

void rewrite_text(TextBlock& block, TextEncoding encoding, TextErrors errors) {
  TextBuffer out;
  out.reserve(block.text.size() + block.text.size() / 8);
  std::vector<TextSegment> segments;
  std::size_t copied = 0;  // bytes of the old text
  std::size_t old = 0;     // index of the next old segment
  // Copies the old text up to `end`, and moves the segments that begin in it.
  const auto copy_until = [&](std::size_t end) {
    for (; old < block.segments.size() && block.segments[old].at <= end; ++old) {
      const TextSegment& segment = block.segments[old];
      if (segment.at >= copied) segments.push_back({out.size() + (segment.at - copied), segment.position});
    }
    out.append(block.text.data() + copied, end - copied);
    copied = end;
  };
  const std::span<const std::byte> text = block.text.bytes();
  for (;;) {
    BadText bad;
    if (encoding == TextEncoding::kLatin1) {
      const std::size_t i = skip_ascii(text, copied);
      bad = {i, i < text.size() ? std::size_t{1} : 0, ""};
    } else {
      bad = find_bad_text(text, copied, encoding);
    }
    copy_until(bad.begin);
    if (bad.size == 0) break;
    if (encoding == TextEncoding::kLatin1) {
      append_utf8(out, static_cast<unsigned>(text[bad.begin]));
    } else {
      append_replacement(out, text.subspan(bad.begin, bad.size), errors);
    }
    copied = bad.begin + bad.size;
    segments.push_back({out.size(), block.position_of(copied)});
  }
  block.text = std::move(out);
  block.segments = std::move(segments);
}

}  // namespace fastbatch
