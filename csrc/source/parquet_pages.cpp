// SPDX-License-Identifier: MIT
#include "source/parquet_pages.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "source/load.h"
#include "source/snappy.h"

namespace fastbatch {
namespace {

constexpr std::int64_t kPlain = 0;
constexpr std::int64_t kPlainDictionary = 2;
constexpr std::int64_t kRle = 3;
constexpr std::int64_t kRleDictionary = 8;

constexpr std::int64_t kDataPage = 0;
constexpr std::int64_t kDictionaryPage = 2;
constexpr std::int64_t kDataPageV2 = 3;

struct PageHeader {
  std::int64_t type = -1;
  std::int64_t unpacked = -1;  // bytes
  std::int64_t packed = -1;    // bytes
  std::int64_t n_values = -1;
  std::int64_t encoding = -1;
  std::int64_t level_encoding = -1;
  std::int64_t n_definition = 0;  // bytes of levels, in version 2
  std::int64_t n_repetition = 0;
  bool is_packed = true;  // in version 2
};

// Thrift's compact protocol, as far as headers of pages need it. After damage, or a type that they do not have, nothing
// more is read and `ok` is false.
class Thrift {
 public:
  explicit Thrift(ByteStream& src) : src_(src) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }

  // Calls `field` with the number and the type of each field of a struct; it reads the value.
  template <typename Field>
  void fields(Field field) {
    std::int64_t number = 0;
    for (unsigned head = byte(); ok_ && head != 0; head = byte()) {
      number = head >> 4U != 0 ? number + (head >> 4U) : zigzag();
      if (number < 0 || number > std::numeric_limits<std::int16_t>::max()) ok_ = false;
      if (ok_) field(number, head & 15U);
    }
  }
  std::int64_t zigzag() {
    std::uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const unsigned one = byte();
      bits |= std::uint64_t{one & 0x7FU} << shift;
      if (one < 0x80U) return static_cast<std::int64_t>((bits >> 1U) ^ (0U - (bits & 1U)));
    }
    ok_ = false;
    return 0;
  }
  std::int64_t integer(unsigned type) {
    if (type == kI16 || type == kI32 || type == kI64) return zigzag();
    ok_ = false;
    return 0;
  }
  bool boolean(unsigned type) {
    if (type != kTrue && type != kFalse) ok_ = false;
    return type == kTrue;
  }
  void skip(unsigned type, unsigned depth = 0) {
    switch (type) {
      case kTrue:
      case kFalse: return;
      case kByte: byte(); return;
      case kI16:
      case kI32:
      case kI64: zigzag(); return;
      case kBinary:
        for (std::int64_t n = length(); ok_ && n > 0; --n) byte();
        return;
      case kStruct:
        if (depth > 3) break;
        fields([&](std::int64_t, unsigned inner) { skip(inner, depth + 1); });
        return;
      default: break;
    }
    ok_ = false;
  }

  static constexpr unsigned kStruct = 12;

 private:
  static constexpr unsigned kTrue = 1, kFalse = 2, kByte = 3, kI16 = 4, kI32 = 5, kI64 = 6, kBinary = 8;

  unsigned byte() {
    const std::optional<std::uint8_t> one = ok_ ? src_.take_byte() : std::nullopt;
    if (!one) ok_ = false;
    return one.value_or(0);
  }
  std::int64_t length() {  // not zigzag: read as such, and turned back
    const auto odd = static_cast<std::uint64_t>(zigzag());
    const std::uint64_t n = (odd << 1U) ^ (0U - (odd >> 63U));
    if (n > src_.left()) ok_ = false;
    return ok_ ? static_cast<std::int64_t>(n) : 0;
  }

  ByteStream& src_;
  bool ok_ = true;
};

std::optional<PageHeader> read_header(ByteStream& src) {
  PageHeader header;
  Thrift thrift(src);
  const auto inner = [&](std::int64_t number, unsigned type) {
    const bool is_v2 = header.type == kDataPageV2;
    if (number == 1) {
      header.n_values = thrift.integer(type);
    } else if (number == (is_v2 ? 4 : 2)) {
      header.encoding = thrift.integer(type);
    } else if (number == 3 && header.type == kDataPage) {
      header.level_encoding = thrift.integer(type);
    } else if (number == 5 && is_v2) {
      header.n_definition = thrift.integer(type);
    } else if (number == 6 && is_v2) {
      header.n_repetition = thrift.integer(type);
    } else if (number == 7 && is_v2) {
      header.is_packed = thrift.boolean(type);
    } else {
      thrift.skip(type, 1);
    }
  };
  thrift.fields([&](std::int64_t number, unsigned type) {
    switch (number) {
      case 1: header.type = thrift.integer(type); return;
      case 2: header.unpacked = thrift.integer(type); return;
      case 3: header.packed = thrift.integer(type); return;
      case 5:
      case 7:
      case 8:
        if (type == Thrift::kStruct && number - 5 == header.type) return thrift.fields(inner);
        [[fallthrough]];
      default: thrift.skip(type);
    }
  });
  const bool is_sound = thrift.ok() && header.unpacked >= 0 && header.packed >= 0 && header.n_values >= 0 &&
                        header.n_definition >= 0 && header.n_repetition == 0;
  return is_sound ? std::optional(header) : std::nullopt;
}

// Numbers in runs of equal ones and runs of `width` bits each. Appends `n`; false if the bytes end before.
bool read_runs(std::span<const std::byte> src, unsigned width, std::size_t n, std::vector<std::uint32_t>& out) {
  if (width > 32) return false;
  std::size_t at = 0;
  while (n > 0) {
    std::uint64_t head = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (shift > 28 || at == src.size()) return false;
      const auto one = std::to_integer<std::uint64_t>(src[at++]);
      head |= (one & 0x7FU) << shift;
      if (one < 0x80U) break;
    }
    const std::uint64_t count = head >> 1U;
    if (count == 0) return false;
    if (head % 2 == 0) {
      const std::size_t size = (width + 7) / 8;
      if (size > src.size() - at) return false;
      std::uint32_t number = 0;
      for (std::size_t i = 0; i < size; ++i) number |= std::to_integer<std::uint32_t>(src[at++]) << (8 * i);
      const std::size_t here = std::min<std::uint64_t>(count, n);
      out.insert(out.end(), here, number);
      n -= here;
      continue;
    }
    std::uint64_t bits = 0;
    unsigned n_bits = 0;
    const std::size_t end = at + std::min<std::uint64_t>(count * width, src.size() - at);
    for (std::uint64_t i = 0; i < count * 8 && n > 0; ++i, --n) {
      for (; n_bits < width; n_bits += 8) {
        if (at == end) return false;
        bits |= std::to_integer<std::uint64_t>(src[at++]) << n_bits;
      }
      out.push_back(static_cast<std::uint32_t>(bits & ((std::uint64_t{1} << width) - 1)));
      bits >>= width;
      n_bits -= width;
    }
    at = end;
  }
  return true;
}

// The column while its pages are read.
class Reader {
 public:
  Reader(const ParquetColumn& column, std::span<std::byte> memory, std::vector<std::uint64_t>& bounds)
      : column_(column), memory_(memory), bounds_(bounds) {}

  bool read_page(ByteStream& src, const PageHeader& header) {
    const bool is_v2 = header.type == kDataPageV2;
    if (header.n_definition > header.packed || header.n_definition > header.unpacked) return false;
    const std::size_t first = used_;
    if (is_v2 && !unpack(src, header.n_definition, header.n_definition, false)) return false;
    const bool is_packed = column_.codec == ParquetCodec::kSnappy && (!is_v2 || header.is_packed);
    if (!unpack(src, header.packed - header.n_definition, header.unpacked - header.n_definition, is_packed)) {
      return false;
    }
    const auto n = static_cast<std::uint64_t>(header.n_values);
    switch (header.type) {
      case kDictionaryPage:
        if (header.encoding != kPlain && header.encoding != kPlainDictionary) return false;
        return !std::exchange(has_dictionary_, true) && read_plain(first, used_, n, dictionary_);
      case kDataPage: return read_data(first, n, header, {});
      case kDataPageV2: return read_data(first, n, header, static_cast<std::size_t>(header.n_definition));
      default: return false;
    }
  }

 private:
  bool unpack(ByteStream& src, std::int64_t n_packed, std::int64_t n_unpacked, bool is_packed) {
    const auto n = static_cast<std::uint64_t>(n_unpacked);
    if (n > memory_.size() - used_ || (!is_packed && n_packed != n_unpacked)) return false;
    const std::span<std::byte> dst = memory_.subspan(used_, static_cast<std::size_t>(n));
    if (is_packed ? !unpack_snappy(src, static_cast<std::uint64_t>(n_packed), dst) : !src.take(dst)) return false;
    used_ += static_cast<std::size_t>(n);
    return true;
  }

  // Appends the bounds of `n` values in the bytes [at, end) of the memory.
  bool read_plain(std::size_t at, std::size_t end, std::uint64_t n, std::vector<std::uint64_t>& bounds) {
    for (; n > 0; --n) {
      if (end - at < sizeof(std::uint32_t)) return false;
      const std::size_t size = load_little<std::uint32_t>(memory_, at);
      at += sizeof(std::uint32_t);
      if (size > end - at) return false;
      bounds.push_back(at);
      at += size;
      bounds.push_back(at);
    }
    return true;
  }

  // `n_levels`: bytes of the levels, which version 1 writes in front of them.
  bool read_data(std::size_t at, std::uint64_t n, const PageHeader& header, std::optional<std::size_t> n_levels) {
    if (column_.most_defined > 0) {
      if (!n_levels) {
        if (header.level_encoding != kRle || used_ - at < sizeof(std::uint32_t)) return false;
        n_levels = load_little<std::uint32_t>(memory_, at);
        at += sizeof(std::uint32_t);
      }
      if (*n_levels > used_ - at || !all_defined(memory_.subspan(at, *n_levels), n)) return false;
    }
    at += n_levels.value_or(0);
    if (header.encoding == kPlain) return read_plain(at, used_, n, bounds_);
    if ((header.encoding != kPlainDictionary && header.encoding != kRleDictionary) || at == used_) return false;
    numbers_.clear();
    const auto width = std::to_integer<unsigned>(memory_[at]);
    if (!read_runs(memory_.subspan(at + 1, used_ - at - 1), width, n, numbers_)) return false;
    for (const std::size_t number : numbers_) {
      if (number >= dictionary_.size() / 2) return false;
      bounds_.push_back(dictionary_[2 * number]);
      bounds_.push_back(dictionary_[2 * number + 1]);
    }
    return true;
  }

  bool all_defined(std::span<const std::byte> levels, std::uint64_t n) {
    numbers_.clear();
    if (!read_runs(levels, static_cast<unsigned>(std::bit_width(column_.most_defined)), n, numbers_)) return false;
    return std::ranges::all_of(numbers_, [&](std::uint32_t level) { return level == column_.most_defined; });
  }

  const ParquetColumn& column_;
  const std::span<std::byte> memory_;
  std::vector<std::uint64_t>& bounds_;
  std::size_t used_ = 0;  // bytes of the memory
  bool has_dictionary_ = false;
  std::vector<std::uint64_t> dictionary_;  // bounds of its values
  std::vector<std::uint32_t> numbers_;
};

}  // namespace

bool read_byte_strings(ByteStream& src, const ParquetColumn& column, std::uint64_t n_rows, std::span<std::byte> memory,
                       std::vector<std::uint64_t>& bounds) {
  bounds.clear();
  Reader reader(column, memory, bounds);
  while (bounds.size() / 2 < n_rows) {
    const std::optional<PageHeader> header = read_header(src);
    if (!header || static_cast<std::uint64_t>(header->packed) > src.left()) return false;
    const bool is_data = header->type != kDictionaryPage;
    if (is_data && static_cast<std::uint64_t>(header->n_values) > n_rows - bounds.size() / 2) return false;
    if (!reader.read_page(src, *header)) return false;
  }
  return true;
}

}  // namespace fastbatch
