// SPDX-License-Identifier: MIT
#include "source/npz.h"

#include <zlib.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "source/inflate.h"
#include "source/npy.h"

namespace fastbatch {
namespace {

constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr unsigned kEncrypted = 1;  // flag bit

std::string without_npy(const std::string& name) {
  constexpr std::string_view kSuffix = ".npy";
  return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// Mapped in place. The checksum is not verified, since this would read all of the member.
ArrayView open_stored(std::shared_ptr<const MappedFile> file, const ZipMember& member, std::uint64_t offset,
                      const std::string& prefix) {
  if (member.size != member.compressed_size) {
    throw FormatError({file->path(), {}, member.header_offset}, prefix + "stored without compression: expected " +
                                                                    std::to_string(member.size) + " bytes, found " +
                                                                    std::to_string(member.compressed_size));
  }
  const auto head = file->copy(offset, static_cast<std::size_t>(std::min<std::uint64_t>(member.size, kNpyHeaderLimit)));
  const NpyHeader header = parse_npy_header(head, member.size, {file->path(), {}, offset}, prefix);
  ArrayView view = dense_view(header.element, header.shape, header.fortran_order);
  view.data = file->bytes().data() + offset + header.data_offset;
  view.path = file->path();
  view.file = std::move(file);
  return view;
}

ArrayView open_deflated(const MappedFile& file, const ZipMember& member, std::uint64_t offset,
                        const std::string& prefix) {
  const Where where{file.path()};
  // Checked before memory is allocated for the size in the directory.
  if (member.size > inflate_bound(member.compressed_size)) {
    throw FormatError(where, prefix + "impossible size: expected at most " +
                                 std::to_string(inflate_bound(member.compressed_size)) + " bytes from " +
                                 std::to_string(member.compressed_size) + " compressed ones, found " +
                                 std::to_string(member.size));
  }
  const ByteRange compressed{offset, member.compressed_size};
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(member.size, kNpyHeaderLimit)));
  head.resize(static_cast<std::size_t>(inflate_range(file, compressed, Wrapping::kRaw, head, prefix).n_bytes));
  const NpyHeader header = parse_npy_header(head, member.size, where, prefix);

  const auto memory = std::make_shared_for_overwrite<std::byte[]>(static_cast<std::size_t>(member.size));
  const std::span<std::byte> bytes(memory.get(), static_cast<std::size_t>(member.size));
  const Inflated inflated = inflate_range(file, compressed, Wrapping::kRaw, bytes, prefix);
  if (inflated.more || inflated.n_bytes != member.size) {
    throw FormatError(where, prefix + "inflated to another size: expected " + std::to_string(member.size) +
                                 " bytes, found " + (inflated.more ? "more" : std::to_string(inflated.n_bytes)));
  }
  if (const std::uint32_t found = crc32_of(bytes); found != member.crc32) {
    throw FormatError(where, prefix + "damaged: expected the checksum (CRC-32) " + std::to_string(member.crc32) +
                                 ", found " + std::to_string(found));
  }
  ArrayView view = dense_view(header.element, header.shape, header.fortran_order);
  view.data = memory.get() + header.data_offset;
  view.owner = memory;
  view.path = file.path();
  return view;
}

}  // namespace

NpzFile::NpzFile(const std::string& path) : NpzFile(std::make_shared<const MappedFile>(path)) {}

NpzFile::NpzFile(std::shared_ptr<const MappedFile> file)
    : file_(std::move(file)), members_(read_zip_directory(*file_)) {
  std::unordered_set<std::string_view> seen;
  names_.reserve(members_.size());
  for (const ZipMember& member : members_) {
    if (member.name.empty() || member.name.find('\0') != std::string::npos) {
      throw FormatError({path()}, "bad member name: expected some bytes other than 0, found " +
                                      std::string(member.name.empty() ? "an empty name" : "a zero byte"));
    }
    names_.push_back(without_npy(member.name));
    if (!seen.insert(names_.back()).second) {
      throw FormatError({path()}, "member " + member.name + ": expected each name once, found it again");
    }
  }
}

std::optional<std::size_t> NpzFile::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == name || members_[i].name == name) return i;
  }
  return std::nullopt;
}

ArrayView NpzFile::open(std::size_t i) const {
  const ZipMember& member = members_.at(i);
  const std::string prefix = "member " + member.name + ": ";
  if ((member.flags & kEncrypted) != 0) {
    throw FormatError({path()}, prefix + "expected a plain member, found an encrypted one");
  }
  if (member.method != kStored && member.method != kDeflated) {
    throw FormatError({path()}, prefix + "expected a stored (0) or deflated (8) member, found compression method " +
                                    std::to_string(member.method));
  }
  const std::uint64_t offset = find_zip_data(*file_, member);
  return member.method == kStored ? open_stored(file_, member, offset, prefix)
                                  : open_deflated(*file_, member, offset, prefix);
}

}  // namespace fastbatch
