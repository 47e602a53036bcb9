// SPDX-License-Identifier: MIT
#include "text/items.h"

#include <algorithm>
#include <cstring>

#include "kernels/scan.h"
#include "text/utf8.h"

namespace fastbatch {
namespace {

const char* name_of(TextEncoding encoding) {
  switch (encoding) {
    case TextEncoding::kUtf8Sig:
    case TextEncoding::kUtf8: return "utf-8";
    case TextEncoding::kAscii: return "ascii";
    case TextEncoding::kLatin1: return "latin-1";
  }
  return "";
}

std::string say_what(const std::string& bytes, const char* encoding, const std::string& reason) {
  const char* digits = "0123456789abcdef";
  std::string text = "not " + std::string(encoding) + " text: " + reason + ": 0x";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += {digits[value >> 4], digits[value & 15]};
  }
  return text;
}

// Converts the positions of all newlines to spans, in place; `spans` has room for both.
std::size_t make_lines(TextBlock& block, std::size_t n_ends) {
  // A span has two numbers per line: the ends are moved to the back, and read from there before they are overwritten.
  std::uint32_t* const spans = block.spans.get();
  const std::uint32_t* const ends = spans + block.spans_room - n_ends;
  std::copy_backward(spans, spans + n_ends, spans + block.spans_room);
  std::byte* const text = block.text.data();
  const auto size = static_cast<std::uint32_t>(block.text.size());
  std::size_t n = 0;
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < n_ends; ++i) {
    const std::uint32_t end = ends[i];
    std::uint32_t next = end + 1;
    if (text[end] == std::byte{'\r'}) {
      if (next < size && text[next] == std::byte{'\n'}) {
        ++next;
        ++i;
      }
      text[end] = std::byte{'\n'};
    }
    spans[n++] = begin;
    spans[n++] = end + 1;
    begin = next;
  }
  if (begin < size) {
    spans[n++] = begin;
    spans[n++] = size;
  }
  return n / 2;
}

// Finds the edges of words, or the newlines, and returns their number. Does not change the text.
std::size_t scan(TextBlock& block, TextItem item) {
  const std::size_t size = block.text.size();
  const std::size_t room = (item == TextItem::kLine ? 2 : 1) * kernels::scan_room(size);
  if (block.spans_room < room) {
    block.spans.reset(new std::uint32_t[room]);  // uninitialised: pages are mapped when used
    block.spans_room = room;
  }
  const kernels::Scan found = item == TextItem::kWord ? kernels::find_words(block.text.bytes(), block.spans.get())
                                                      : kernels::find_line_ends(block.text.bytes(), block.spans.get());
  block.is_ascii = found.is_ascii;
  return found.n;
}

// Keeps only the items that end before `end`, including their space or newline.
void drop_from(TextBlock& block, std::size_t end, TextItem item) {
  const std::uint32_t* const spans = block.spans.get();
  std::size_t n = block.n_items;
  while (n > 0 && (item == TextItem::kWord ? spans[2 * n - 1] >= end : spans[2 * n - 1] > end)) --n;
  block.n_items = n;
}

}  // namespace

EncodingError::EncodingError(Where where, TextEncoding encoding, std::string bytes, const std::string& reason)
    : FormatError(std::move(where), say_what(bytes, name_of(encoding), reason)),
      encoding_(name_of(encoding)),
      bytes_(std::move(bytes)),
      reason_(reason) {}

void find_items(TextBlock& block, const TextFormat& format, const TextSource& source) {
  std::size_t found = scan(block, format.item);
  BadText bad;
  if (!block.is_ascii) {
    const bool is_latin1 = format.encoding == TextEncoding::kLatin1;
    if (!is_latin1) bad = find_bad_text(block.text.bytes(), 0, format.encoding);
    if (is_latin1 || (bad.size != 0 && format.errors != TextErrors::kStrict)) {
      rewrite_text(block, format.encoding, format.errors);
      if (block.text.size() > TextBlock::kMaxSize) {
        throw FormatError(source.where(block, 0),
                          "text that grows when it is decoded: expected less than 4 GiB, found more");
      }
      bad = {};
      found = scan(block, format.item);
    }
  }
  block.n_items = format.item == TextItem::kWord ? found / 2 : make_lines(block, found);
  if (bad.size == 0) return;
  const auto bytes = block.text.bytes().subspan(bad.begin, bad.size);
  block.error =
      std::make_exception_ptr(EncodingError(source.where(block, bad.begin), format.encoding,
                                            {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, bad.reason));
  drop_from(block, bad.begin, format.item);
}

void pack_items(TextBlock& block, bool chop) {
  constexpr std::size_t kAtOnce = 16;  // most words are shorter: copied without a call or a loop
  static_assert(TextBuffer::kPadding >= kAtOnce);
  block.packed.reserve(block.text.size());
  block.ends.resize(block.n_items);
  const std::byte* const text = block.text.data();
  std::byte* const packed = block.packed.data();
  std::uint32_t* const ends = block.ends.data();
  const std::uint32_t* span = block.spans.get();
  std::size_t total = 0;
  for (std::size_t i = 0, n = block.n_items; i < n; ++i, span += 2) {
    const std::byte* const item = text + span[0];
    std::size_t size = span[1] - span[0];
    if (chop && size != 0 && item[size - 1] == std::byte{'\n'}) --size;
    std::memcpy(packed + total, item, kAtOnce);
    if (size > kAtOnce) [[unlikely]]
      std::memcpy(packed + total, item, size);
    total += size;
    ends[i] = static_cast<std::uint32_t>(total);
  }
  block.packed.resize(total);
}

}  // namespace fastbatch
