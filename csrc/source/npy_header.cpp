// SPDX-License-Identifier: MIT
// The header of a .npy file is a Python dict literal. This parser accepts only dicts with NumPy's keys, in any order
// and spacing.
#include <algorithm>
#include <limits>
#include <string_view>

#include "source/load.h"
#include "source/npy.h"

namespace fastbatch {
namespace {

constexpr std::size_t kMostDimensions = 64;  // NumPy's limit

class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::uint64_t offset, bool may_have_l, const Where& where,
               const std::string& prefix)
      : text_(text), offset_(offset), may_have_l_(may_have_l), where_(where), prefix_(prefix) {}

  void read(NpyHeader& header) {
    expect('{');
    while (!take('}')) {
      read_entry(header);
      if (take(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (at_ != text_.size()) fail("the end of the header");
    if (!has_descr_ || !has_order_ || !has_shape_) {
      fail("the keys 'descr', 'fortran_order' and 'shape'", "a header without one of them");
    }
  }

 private:
  [[noreturn]] void fail(const std::string& expected, std::string found = "") const {
    if (found.empty()) found = at_ < text_.size() ? "'" + printable(text_[at_]) + "'" : "the end of the header";
    Where where = where_;
    where.offset = offset_ + at_;
    throw FormatError(where, prefix_ + "bad .npy header: expected " + expected + ", found " + found);
  }

  static std::string printable(char c) {
    if (c >= ' ' && c <= '~') return {c};
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    return std::string("\\x") + kDigits[code >> 4U] + kDigits[code & 15U];
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r\f").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(std::string("'") + c + "'");
  }

  std::string_view read_string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("a string");
    const std::size_t first = ++at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' || text_[at_] == '\n') fail("a plain string");
      ++at_;
    }
    if (at_ == text_.size()) fail("the end of a string");
    return text_.substr(first, at_++ - first);
  }

  bool read_bool() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("True or False");
  }

  std::uint64_t read_length() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '-') fail("a length of 0 or more", "a negative one");
    const std::size_t first = at_;
    std::uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) fail("a length below 2^64", "a larger one");
      value = value * 10 + digit;
    }
    if (at_ == first) fail("an integer");
    // Python rejects integers with leading zeros, except zero itself.
    if (text_[first] == '0' && value != 0) fail("an integer", "one with a leading zero");
    if (may_have_l_ && at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
    return value;
  }

  void read_shape(std::vector<std::uint64_t>& shape) {
    expect('(');
    bool has_comma = false;
    while (!take(')')) {
      shape.push_back(read_length());
      if (shape.size() > kMostDimensions) fail("at most 64 dimensions", "more");
      if (take(',')) {
        has_comma = true;
        continue;
      }
      expect(')');
      break;
    }
    if (shape.size() == 1 && !has_comma) fail("a tuple such as (3,) as the shape", "an integer in parentheses");
  }

  void read_descr(ElementType& element) {
    skip_space();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '(')) {
      fail("one element type, such as '<f4'", "a structured one: save its fields as arrays of their own");
    }
    Where where = where_;
    where.offset = offset_ + at_;
    element = parse_descr(read_string(), where, prefix_);
  }

  void read_entry(NpyHeader& header) {
    const std::string_view key = read_string();
    auto once = [&](bool& seen) {
      if (seen) fail("each key once", "'" + std::string(key) + "' again");
      seen = true;
      expect(':');
    };
    if (key == "descr") {
      once(has_descr_);
      read_descr(header.element);
    } else if (key == "fortran_order") {
      once(has_order_);
      header.fortran_order = read_bool();
    } else if (key == "shape") {
      once(has_shape_);
      read_shape(header.shape);
    } else {
      fail("the keys 'descr', 'fortran_order' and 'shape'", "another");
    }
  }

  std::string_view text_;
  std::uint64_t offset_;  // offset of text_ in the file
  bool may_have_l_;
  const Where& where_;
  const std::string& prefix_;
  std::size_t at_ = 0;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> head, std::uint64_t size, const Where& where,
                           const std::string& prefix) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  const std::uint64_t start = where.offset.value_or(0);
  auto fail = [&](std::uint64_t at, const std::string& text) {
    Where place = where;
    place.offset = start + at;
    throw FormatError(place, prefix + text);
  };
  if (size == 0) fail(0, "not a .npy array: expected a header, found nothing (0 bytes)");
  if (head[0] == std::byte{0x80}) {
    fail(0, "a pickle: expected a .npy array; pickles are never read because reading them runs the code inside");
  }
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (!text.starts_with(kMagic.substr(0, std::min(text.size(), kMagic.size())))) {
    fail(0, "not a .npy array: expected it to begin with \\x93NUMPY, found other bytes");
  }
  if (text.size() < 10) {
    fail(0, ".npy header ends early: expected at least 10 bytes, found " + std::to_string(text.size()));
  }
  const auto major = std::to_integer<unsigned>(head[6]);
  const auto minor = std::to_integer<unsigned>(head[7]);
  if (major < 1 || major > 3 || minor != 0) {
    fail(6, "unknown .npy version: expected 1.0, 2.0 or 3.0, found " + std::to_string(major) + "." +
                std::to_string(minor));
  }
  const std::size_t text_start = major == 1 ? 10 : 12;
  if (text.size() < text_start)
    fail(8, ".npy header ends early: expected at least 12 bytes, found " + std::to_string(text.size()));
  const std::uint64_t length = major == 1 ? load_little<std::uint16_t>(head, 8) : load_little<std::uint32_t>(head, 8);
  if (length > size - text_start) {
    fail(8, ".npy header ends early: expected " + std::to_string(text_start + length) + " bytes, found " +
                std::to_string(size));
  }
  if (length > head.size() - text_start) {
    fail(8, ".npy header too long: expected at most " + std::to_string(head.size() - text_start) + " bytes, found " +
                std::to_string(length));
  }

  NpyHeader header;
  HeaderReader(text.substr(text_start, static_cast<std::size_t>(length)), start + text_start, major < 3, where, prefix)
      .read(header);
  header.data_offset = text_start + length;
  const auto n_bytes = array_bytes(header.shape, header.element.itemsize);
  if (!n_bytes) fail(text_start, "array too large: expected less than 2^63 bytes, found a shape that makes more");
  header.data_bytes = *n_bytes;
  if (header.data_bytes > size - header.data_offset) {
    fail(header.data_offset, "array ends early: expected " + std::to_string(header.data_bytes) + " bytes, found " +
                                 std::to_string(size - header.data_offset));
  }
  return header;
}

}  // namespace fastbatch
