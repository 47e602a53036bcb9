// SPDX-License-Identifier: MIT
#include "source/zip.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/error.h"
#include "source/load.h"

namespace fastbatch {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kCentralSize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kLocator64Size = 20;
constexpr std::size_t kMostComment = 65535;
constexpr std::uint64_t kMostDirectory = std::uint64_t{256} << 20;  // about five million members
constexpr std::uint16_t kZip64Field = 1;
constexpr std::uint32_t kIn64 = 0xffffffff;  // "see the zip64 field"

// The location of the central directory, from the records at the end of the archive.
struct Directory {
  std::uint64_t offset = 0;  // in the file
  std::uint64_t size = 0;
  std::uint64_t n_members = 0;
  std::uint64_t before = 0;  // bytes before the archive, not counted by its own offsets
};

[[noreturn]] void fail(const MappedFile& file, std::uint64_t offset, const std::string& text) {
  throw FormatError({file.path(), {}, offset}, text);
}

// The end record is at the end of the file, followed only by a comment whose length it contains.
std::size_t find_end_record(Bytes tail, const MappedFile& file) {
  for (std::size_t at = tail.size() < kEndSize ? 0 : tail.size() - kEndSize + 1; at-- > 0;) {
    if (load_little<std::uint32_t>(tail, at) != kEndSignature) continue;
    if (at + kEndSize + load_little<std::uint16_t>(tail, at + 20) == tail.size()) return at;
  }
  throw FormatError({file.path()}, "zip archive ends early: expected its directory at the end of the file, found none");
}

Directory find_directory(const MappedFile& file) {
  constexpr std::size_t kMostTail = kMostComment + kEndSize + kLocator64Size + kEnd64Size;
  const auto tail_size = static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), kMostTail));
  const std::uint64_t tail_start = file.size() - tail_size;
  const std::vector<std::byte> tail = file.copy(tail_start, tail_size);
  std::size_t end = find_end_record(tail, file);
  Directory directory;
  bool is_one_disk = load_little<std::uint32_t>(tail, end + 4) == 0;
  directory.n_members = load_little<std::uint16_t>(tail, end + 10);
  directory.size = load_little<std::uint32_t>(tail, end + 12);
  directory.offset = load_little<std::uint32_t>(tail, end + 16);
  const bool has_locator =
      end >= kLocator64Size && load_little<std::uint32_t>(tail, end - kLocator64Size) == kLocator64Signature;
  if (has_locator) {
    if (end < kLocator64Size + kEnd64Size ||
        load_little<std::uint32_t>(tail, end - kLocator64Size - kEnd64Size) != kEnd64Signature) {
      fail(file, tail_start + end, "bad zip archive: expected a zip64 end record before this, found none");
    }
    end -= kLocator64Size + kEnd64Size;
    is_one_disk = load_little<std::uint64_t>(tail, end + 16) == 0;
    directory.n_members = load_little<std::uint64_t>(tail, end + 32);
    directory.size = load_little<std::uint64_t>(tail, end + 40);
    directory.offset = load_little<std::uint64_t>(tail, end + 48);
  }
  const std::uint64_t end_offset = tail_start + end;
  if (!is_one_disk) fail(file, end_offset, "zip archive in several pieces: expected one file");
  if (directory.size > end_offset || directory.offset > end_offset - directory.size) {
    fail(file, end_offset,
         "bad zip archive: expected a directory of " + std::to_string(directory.size) + " bytes at byte " +
             std::to_string(directory.offset) + ", found the end record before its end");
  }
  if (directory.size > kMostDirectory) {
    fail(file, end_offset,
         "zip directory too large: expected at most " + std::to_string(kMostDirectory) + " bytes, found " +
             std::to_string(directory.size));
  }
  directory.before = end_offset - directory.size - directory.offset;
  directory.offset += directory.before;
  return directory;
}

// The zip64 field among the extra fields; empty if it is missing or the sizes of the fields are inconsistent.
std::optional<Bytes> find_zip64_field(Bytes extra) {
  while (extra.size() >= 4) {
    const auto id = load_little<std::uint16_t>(extra, 0);
    const auto size = load_little<std::uint16_t>(extra, 2);
    if (size > extra.size() - 4U) return std::nullopt;
    if (id == kZip64Field) return extra.subspan(4, size);
    extra = extra.subspan(4U + size);
  }
  return std::nullopt;
}

// Replaces each number that equals kIn64 by the next 8 bytes of the zip64 field; false if they are missing.
bool widen(Bytes extra, std::initializer_list<std::uint64_t*> numbers) {
  Bytes field;
  bool is_found = false;
  for (std::uint64_t* number : numbers) {
    if (*number != kIn64) continue;
    if (!is_found) {
      field = find_zip64_field(extra).value_or(Bytes{});
      is_found = true;
    }
    if (field.size() < 8) return false;
    *number = load_little<std::uint64_t>(field, 0);
    field = field.subspan(8);
  }
  return true;
}

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

std::vector<ZipMember> read_zip_directory(const MappedFile& file) {
  const Directory directory = find_directory(file);
  const std::vector<std::byte> copied = file.copy(directory.offset, static_cast<std::size_t>(directory.size));
  const Bytes all(copied);
  std::vector<ZipMember> members;
  for (std::size_t at = 0; at < all.size();) {
    const Bytes entry = all.subspan(at);
    const std::uint64_t offset = directory.offset + at;
    if (entry.size() < kCentralSize || load_little<std::uint32_t>(entry, 0) != kCentralSignature) {
      fail(file, offset,
           "bad zip directory: expected member " + std::to_string(members.size()) + ", found other bytes");
    }
    const std::size_t name_size = load_little<std::uint16_t>(entry, 28);
    const std::size_t extra_size = load_little<std::uint16_t>(entry, 30);
    const std::size_t entry_size = kCentralSize + name_size + extra_size + load_little<std::uint16_t>(entry, 32);
    if (entry_size > entry.size()) {
      fail(file, offset,
           "bad zip directory: expected an entry of " + std::to_string(entry_size) + " bytes, found " +
               std::to_string(entry.size()));
    }
    ZipMember member;
    member.name = text_of(entry.subspan(kCentralSize, name_size));
    member.flags = load_little<std::uint16_t>(entry, 8);
    member.method = load_little<std::uint16_t>(entry, 10);
    member.crc32 = load_little<std::uint32_t>(entry, 16);
    member.compressed_size = load_little<std::uint32_t>(entry, 20);
    member.size = load_little<std::uint32_t>(entry, 24);
    member.header_offset = load_little<std::uint32_t>(entry, 42);
    if (!widen(entry.subspan(kCentralSize + name_size, extra_size),
               {&member.size, &member.compressed_size, &member.header_offset})) {
      fail(file, offset, "member " + member.name + ": bad zip directory: expected zip64 sizes, found none");
    }
    if (member.header_offset > directory.offset - directory.before) {
      fail(file, offset,
           "member " + member.name + ": bad zip directory: expected it before byte " +
               std::to_string(directory.offset) + ", found " + std::to_string(member.header_offset));
    }
    member.header_offset += directory.before;
    members.push_back(std::move(member));
    at += entry_size;
  }
  if (members.size() != directory.n_members) {
    fail(file, directory.offset,
         "bad zip directory: expected " + std::to_string(directory.n_members) + " members, found " +
             std::to_string(members.size()));
  }
  return members;
}

std::uint64_t find_zip_data(const MappedFile& file, const ZipMember& member) {
  auto fail_here = [&](const std::string& text) {
    fail(file, member.header_offset, "member " + member.name + ": bad local zip header: expected " + text);
  };
  if (member.header_offset > file.size() || file.size() - member.header_offset < kLocalSize) {
    fail_here("30 bytes, found the end of the file");
  }
  const std::uint64_t room = file.size() - member.header_offset - kLocalSize;
  const std::vector<std::byte> fixed = file.copy(member.header_offset, kLocalSize);
  if (load_little<std::uint32_t>(fixed, 0) != kLocalSignature) fail_here("its signature, found other bytes");
  const std::size_t name_size = load_little<std::uint16_t>(fixed, 26);
  const std::size_t extra_size = load_little<std::uint16_t>(fixed, 28);
  if (name_size + extra_size > room) fail_here("a name, found the end of the file");
  const std::vector<std::byte> copied = file.copy(member.header_offset + kLocalSize, name_size + extra_size);
  const Bytes rest(copied);
  if (text_of(rest.first(name_size)) != member.name) fail_here("the directory's name, found another");
  if (load_little<std::uint16_t>(fixed, 8) != member.method) fail_here("the directory's method, found another");
  constexpr unsigned kSizesFollow = 8;  // flag bit: a data descriptor follows the data
  if ((load_little<std::uint16_t>(fixed, 6) & kSizesFollow) == 0) {
    std::uint64_t compressed_size = load_little<std::uint32_t>(fixed, 18);
    std::uint64_t size = load_little<std::uint32_t>(fixed, 22);
    if (!widen(rest.subspan(name_size), {&size, &compressed_size})) fail_here("zip64 sizes, found none");
    if (size != member.size || compressed_size != member.compressed_size) {
      fail_here(std::to_string(member.size) + " bytes as in the directory, found " + std::to_string(size));
    }
    if (load_little<std::uint32_t>(fixed, 14) != member.crc32) fail_here("the directory's checksum, found another");
  }
  const std::uint64_t available = room - name_size - extra_size;
  if (member.compressed_size > available) {
    fail_here(std::to_string(member.compressed_size) + " bytes of data, found " + std::to_string(available));
  }
  return member.header_offset + kLocalSize + name_size + extra_size;
}

}  // namespace fastbatch
