// SPDX-License-Identifier: MIT
#include "source/tar.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/error.h"
#include "source/guarded_read.h"
#include "source/open_file.h"

namespace fastbatch {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kMostExtension = std::uint64_t{1} << 20U;  // bytes of a long name or a PAX header
constexpr std::uint64_t kMostNumber = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kChecksumAt = 148;
constexpr std::size_t kChecksumSize = 8;
constexpr std::int64_t kSpaces = 8 * ' ';  // its own field, as it is counted
constexpr std::string_view kSparse = "sparse member: expected one that is stored whole (tar without --sparse), found ";

// The text before the first null byte.
std::string_view text(std::string_view field) { return field.substr(0, field.find('\0')); }

// Octal digits between spaces, or binary with the highest bit set (GNU). Nothing for any other content, for negative
// numbers and for those above 63 bits.
std::optional<std::uint64_t> number(std::string_view field) {
  std::uint64_t value = 0;
  if ((static_cast<unsigned char>(field[0]) & 0x80U) != 0) {
    if (static_cast<unsigned char>(field[0]) != 0x80U) return std::nullopt;
    for (const char byte : field.substr(1)) {
      if (value > (kMostNumber >> 8U)) return std::nullopt;
      value = (value << 8U) | static_cast<unsigned char>(byte);
    }
    return value;
  }
  std::size_t i = std::min(field.find_first_not_of(' '), field.size());
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i) {
    value = value * 8 + static_cast<std::uint64_t>(field[i] - '0');  // at most 12 digits
  }
  if (i < field.size() && field[i] != ' ' && field[i] != '\0') return std::nullopt;
  return value;
}

// What extension headers say of the next member.
struct Extension {
  std::string name;
  std::string link;
  std::optional<std::uint64_t> size;
};

// A mapped file with the methods of an OpenFile.
class MappedReader {
 public:
  explicit MappedReader(const MappedFile& file) : file_(file) {}

  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
  [[nodiscard]] std::uint64_t size() const noexcept { return file_.size(); }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> dst) const {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(dst.size(), size() - std::min(offset, size())));
    if (n == 0) return 0;
    const std::byte* src = file_.bytes().data() + offset;
    read_guarded(file_, offset + n, [=]() noexcept { std::memcpy(dst.data(), src, n); });
    return n;
  }

 private:
  const MappedFile& file_;
};

template <typename File>
class Reader {
 public:
  template <typename Source>
  explicit Reader(const Source& source) : file_(source) {}

  TarMembers read() {
    while (read_member()) {
    }
    return std::move(members_);
  }

 private:
  [[noreturn]] void fail(std::uint64_t offset, const std::string& what) const {
    throw FormatError({file_.path(), {}, offset}, what);
  }

  // The bytes [offset, offset + size), which lie within the file. Valid until the next call.
  std::string_view bytes(std::uint64_t offset, std::size_t size) {
    if (offset < window_start_ || offset + size > window_start_ + window_size_) {
      window_.resize(std::max<std::size_t>(kWindow, size));
      window_start_ = offset;
      window_size_ = file_.read_at(offset, std::as_writable_bytes(std::span(window_)));
      if (window_size_ < size) {
        fail(offset, "file became shorter while it was read: expected " + std::to_string(size) + " bytes, found " +
                         std::to_string(window_size_));
      }
    }
    return std::string_view(window_).substr(static_cast<std::size_t>(offset - window_start_), size);
  }

  void require_block() const {
    const std::uint64_t left = file_.size() - at_;
    if (left >= kBlock) return;
    fail(at_, "tar archive ends early: expected " +
                  std::string(left == 0 && at_ != 0 ? "a block of zeros at its end" : "a header of 512 bytes") +
                  ", found " + std::to_string(left) + " bytes");
  }

  void check_sum(std::string_view header) const {
    const std::string_view field = header.substr(kChecksumAt, kChecksumSize);
    // The sum is of the header with spaces in its own field.
    const std::int64_t total = sum<unsigned char>(header) - sum<unsigned char>(field) + kSpaces;
    const auto stored = number(field);
    if (stored && static_cast<std::int64_t>(*stored) == total) return;
    const std::int64_t of_old_programs = sum<signed char>(header) - sum<signed char>(field) + kSpaces;
    if (stored && static_cast<std::int64_t>(*stored) == of_old_programs) return;
    fail(at_, std::string(at_ == 0 ? "not a tar archive" : "broken tar header") + ": expected the checksum " +
                  std::to_string(total) + ", found " + (stored ? std::to_string(*stored) : "no number"));
  }

  template <typename Byte>
  static std::int64_t sum(std::string_view bytes) {
    std::int32_t total = 0;  // of at most 512 bytes
    for (const char byte : bytes) total += static_cast<Byte>(byte);
    return total;
  }

  // Reads one header and what belongs to it. Returns false at the end of the archive.
  bool read_member() {
    require_block();
    const std::uint64_t start = at_;
    const std::string header(bytes(start, kBlock));
    if (header.find_first_not_of('\0') == std::string::npos) {
      require_zeros();
      return false;
    }
    check_sum(header);
    const char type = header[156];
    const auto stated = number(std::string_view(header).substr(124, 12));
    if (!stated) fail(start, "broken tar header: expected the size of a member, found no number");
    at_ += kBlock;
    switch (type) {
      case 'L': next_.name = text(content(*stated)); return true;
      case 'K': next_.link = text(content(*stated)); return true;
      case 'x':
      case 'X': read_pax(start, content(*stated)); return true;
      case 'g': refuse_global(start, content(*stated)); return true;
      default: break;
    }
    const Extension extension = std::exchange(next_, {});
    const std::string name = extension.name.empty() ? name_in(header) : extension.name;
    switch (type) {
      case '0':
      case '\0':
      case '7': add(start, name, extension.size.value_or(*stated), type == '\0'); break;
      case '1':
        add_link(start, name,
                 extension.link.empty() ? text(std::string_view(header).substr(157, 100)) : extension.link);
        break;
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case 'V': break;
      case 'D': skip(start, name, extension.size.value_or(*stated)); break;
      case 'S': fail(start, std::string(kSparse) + name);
      case 'M': fail(start, "part of a member: expected an archive of one volume, found " + name);
      default:
        fail(start, "unknown type of member: expected a file, a folder or a link, found type " +
                        std::to_string(static_cast<unsigned char>(type)));
    }
    return true;
  }

  static std::string name_in(std::string_view header) {
    const std::string name(text(header.substr(0, 100)));
    const std::string_view prefix = text(header.substr(345, 155));
    const bool is_posix = header.substr(257, 6) == std::string_view("ustar\0", 6);
    return is_posix && !prefix.empty() ? std::string(prefix) + "/" + name : name;
  }

  // The content of an extension header, after which the next header begins.
  std::string content(std::uint64_t size) {
    if (size > kMostExtension) {
      fail(at_ - kBlock, "tar header too large: expected at most " + std::to_string(kMostExtension) + " bytes, found " +
                             std::to_string(size));
    }
    const std::uint64_t start = at_;
    skip(at_ - kBlock, "a header", size);
    return std::string(bytes(start, static_cast<std::size_t>(size)));
  }

  // Moves behind the content of a member, which must lie within the file.
  void skip(std::uint64_t start, const std::string& name, std::uint64_t size) {
    const std::uint64_t left = file_.size() - at_;
    if (size > left) {
      fail(start, "tar archive ends early: expected " + std::to_string(size) + " bytes of " + name + ", found " +
                      std::to_string(left));
    }
    at_ += std::min(left, (size + kBlock - 1) / kBlock * kBlock);
  }

  void check_name(std::uint64_t start, const std::string& name) const {
    if (name.empty() || name.find('\0') != std::string::npos) {
      fail(start, "broken tar header: expected the name of a member, found " +
                      std::string(name.empty() ? "none" : "a null byte in it"));
    }
  }

  void add(std::uint64_t start, const std::string& name, std::uint64_t size, bool is_old) {
    check_name(start, name);
    const std::uint64_t offset = at_;
    skip(start, name, size);
    if (is_old && name.back() == '/') return;  // a folder, before there was a type for it
    members_.names.add(name);
    members_.offsets.push_back(offset);
    members_.sizes.push_back(size);
  }

  void add_link(std::uint64_t start, const std::string& name, std::string_view target) {
    check_name(start, name);
    for (; n_known_ < members_.names.size(); ++n_known_) known_[std::string(members_.names[n_known_])] = n_known_;
    const auto found = known_.find(std::string(target));
    if (found == known_.end()) {
      fail(start, "hard link " + name + ": expected a member before it, found " + std::string(target));
    }
    members_.names.add(name);
    members_.offsets.push_back(members_.offsets[found->second]);
    members_.sizes.push_back(members_.sizes[found->second]);
  }

  // Calls `use(key, value)` for each record "<bytes> <key>=<value>\n".
  template <typename Use>
  void each_record(std::uint64_t start, std::string_view records, Use&& use) const {
    while (!records.empty() && records[0] != '\0') {
      std::size_t size = 0;
      std::size_t i = 0;
      for (; i < records.size() && i < 8 && records[i] >= '0' && records[i] <= '9'; ++i) {
        size = size * 10 + static_cast<std::size_t>(records[i] - '0');
      }
      const std::size_t equals = records.find('=');
      if (i == 0 || i >= records.size() || records[i] != ' ' || size > records.size() || equals == records.npos ||
          equals <= i || equals >= size || records[size - 1] != '\n') {
        fail(start, "broken PAX header: expected records of a length, a key and a value, found others");
      }
      use(records.substr(i + 1, equals - i - 1), records.substr(equals + 1, size - equals - 2));
      records.remove_prefix(size);
    }
  }

  void read_pax(std::uint64_t start, std::string_view records) {
    each_record(start, records, [&](std::string_view key, std::string_view value) {
      if (key.starts_with("GNU.sparse.")) fail(start, std::string(kSparse) + "a PAX header");
      if (key == "path") next_.name = value;
      if (key == "linkpath") next_.link = value;
      if (key == "size") next_.size = decimal(start, value);
    });
  }

  void refuse_global(std::uint64_t start, std::string_view records) const {
    each_record(start, records, [&](std::string_view key, std::string_view) {
      if (key == "path" || key == "linkpath" || key == "size" || key.starts_with("GNU.sparse.")) {
        fail(start, "PAX header for all members: expected none with a name or a size, found " + std::string(key));
      }
    });
  }

  std::uint64_t decimal(std::uint64_t start, std::string_view digits) const {
    const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
    if (!is_number || digits.size() > 18)
      fail(start, "broken PAX header: expected the size of a member, found no number");
    std::uint64_t value = 0;
    for (const char digit : digits) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    return value;
  }

  // The rest of the archive is padding. Anything else would be lost without a word.
  void require_zeros() {
    std::array<std::byte, 65536> chunk{};
    for (std::uint64_t offset = at_; offset < file_.size();) {
      const std::size_t n = file_.read_at(offset, chunk);
      const auto end = chunk.begin() + static_cast<std::ptrdiff_t>(n);
      const auto other = std::find_if(chunk.begin(), end, [](std::byte byte) { return byte != std::byte{0}; });
      if (other != end) {
        fail(offset + static_cast<std::uint64_t>(other - chunk.begin()),
             "data after the end of the tar archive: expected zeros, found more "
             "(tar --concatenate joins archives, cat does not)");
      }
      if (n == 0) break;
      offset += n;
    }
  }

  static constexpr std::size_t kWindow = 4096;

  const File file_;
  std::uint64_t at_ = 0;  // of the next header
  std::string window_;    // bytes of the file from window_start_ on
  std::uint64_t window_start_ = 0;
  std::size_t window_size_ = 0;
  Extension next_;
  TarMembers members_;
  std::unordered_map<std::string, std::size_t> known_;  // targets of hard links, made when there is one
  std::size_t n_known_ = 0;
};

}  // namespace

TarMembers read_tar(const std::string& path) { return Reader<OpenFile>(path).read(); }

TarMembers read_tar(const MappedFile& file) { return Reader<MappedReader>(file).read(); }

}  // namespace fastbatch
