// SPDX-License-Identifier: MIT
#include "source/descr.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>

namespace fastbatch {
namespace {

constexpr bool kIsLittle = std::endian::native == std::endian::little;

// A positive number without sign, leading zero or trailing characters, as numpy.dtype.str writes sizes.
std::optional<std::size_t> read_size(std::string_view digits) {
  std::size_t value = 0;
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// "[ns]", "[25s]", or the empty string.
bool is_date_unit(std::string_view unit) {
  constexpr std::array<std::string_view, 14> kUnits = {"Y",  "M",  "W",  "D",  "h",  "m",  "s",
                                                       "ms", "us", "ns", "ps", "fs", "as", "generic"};
  if (unit.empty()) return true;
  if (unit.size() < 3 || unit.front() != '[' || unit.back() != ']') return false;
  unit = unit.substr(1, unit.size() - 2);
  const std::size_t n_digits = std::min(unit.find_first_not_of("0123456789"), unit.size());
  if (n_digits > 0) {
    const auto multiple = read_size(unit.substr(0, n_digits));
    if (!multiple || *multiple == 0 || *multiple > INT32_MAX) return false;
  }
  return std::find(kUnits.begin(), kUnits.end(), unit.substr(n_digits)) != kUnits.end();
}

std::optional<ElementType> number(char kind, std::size_t size) {
  ElementType type;
  type.itemsize = type.swap_unit = size;
  auto as = [&](DType dtype) {
    type.dtype = dtype;
    return type;
  };
  switch (kind) {
    case 'b':
      if (size == 1) return as(DType::kBool);
      return std::nullopt;
    case 'i':
      if (size == 1) return as(DType::kI8);
      if (size == 2) return as(DType::kI16);
      if (size == 4) return as(DType::kI32);
      if (size == 8) return as(DType::kI64);
      return std::nullopt;
    case 'u':
      if (size == 1) return as(DType::kU8);
      if (size == 2) return as(DType::kU16);
      if (size == 4) return as(DType::kU32);
      if (size == 8) return as(DType::kU64);
      return std::nullopt;
    case 'f':
      if (size == 2) return as(DType::kF16);
      if (size == 4) return as(DType::kF32);
      if (size == 8) return as(DType::kF64);
      if (size == sizeof(long double)) return as(DType::kOpaque);
      return std::nullopt;
    case 'c':
      if (size != 8 && size != 16 && size != 2 * sizeof(long double)) return std::nullopt;
      type.swap_unit = size / 2;
      return type;
    default: return std::nullopt;
  }
}

// The element type of `kind` and the rest of the type string, without the byte order.
std::optional<ElementType> element(char kind, std::string_view rest) {
  constexpr std::size_t kLargest = INT32_MAX;  // NumPy's limit
  ElementType type;
  if (kind == '?') return rest.empty() ? number('b', 1) : std::nullopt;
  if (kind == 'M' || kind == 'm') {
    if (rest.empty() || rest.front() != '8' || !is_date_unit(rest.substr(1))) return std::nullopt;
    type.itemsize = type.swap_unit = 8;
    return type;
  }
  const auto size = read_size(rest);
  if (!size) return std::nullopt;
  if (kind != 'S' && kind != 'V' && kind != 'U') return number(kind, *size);
  if (*size > (kind == 'U' ? kLargest / 4 : kLargest)) return std::nullopt;
  type.itemsize = kind == 'U' ? *size * 4 : *size;
  type.swap_unit = kind == 'U' ? 4 : 1;
  return type;
}

}  // namespace

ElementType parse_descr(std::string_view descr, const Where& where, const std::string& prefix) {
  const std::string quoted = std::string("'").append(descr).append("'");
  char order = '=';
  std::string_view rest = descr;
  if (!rest.empty() && std::string_view("<>|=").find(rest.front()) != std::string_view::npos) {
    order = rest.front();
    rest.remove_prefix(1);
  }
  const char kind = rest.empty() ? '\0' : rest.front();
  if (kind == 'O') {
    throw FormatError(where, prefix + "elements are Python objects (" + quoted +
                                 "): expected numbers or strings of a fixed size, found pickles, which are never read "
                                 "because reading them runs the code inside");
  }
  const std::optional<ElementType> found = kind == '\0' ? std::nullopt : element(kind, rest.substr(1));
  if (!found) {
    throw FormatError(where,
                      prefix + "unknown element type: expected a NumPy type string such as '<f4', found " + quoted);
  }
  ElementType type = *found;
  if (type.itemsize == 0)
    throw FormatError(where, prefix + "element type of no size: expected at least 1 byte, found " + quoted);
  if (kind == '?') rest = "b1";
  if (type.swap_unit == 1) {
    type.descr = '|' + std::string(rest);
  } else {
    const bool is_little = order == '<' || (order != '>' && kIsLittle);
    type.swap_bytes = is_little != kIsLittle;
    type.descr = (is_little ? '<' : '>') + std::string(rest);
  }
  return type;
}

}  // namespace fastbatch
