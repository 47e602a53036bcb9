// SPDX-License-Identifier: MIT
#include "source/file_list.h"

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "source/open_file.h"

namespace fastbatch {
namespace {

std::span<const std::byte> read_first(const OpenFile& file, std::size_t size, ReadBuffer& buffer) {
  const std::span<std::byte> bytes = buffer.make_room(size);
  const std::size_t n_read = file.read_at(0, bytes);
  if (n_read < size) {
    throw FormatError({file.path()}, "file became shorter while it was read: expected " + std::to_string(size) +
                                         " bytes, found " + std::to_string(n_read));
  }
  return bytes;
}

}  // namespace

std::span<const std::byte> read_file(std::string_view path, ReadBuffer& buffer, std::uint64_t max_bytes) {
  const OpenFile file{std::string(path)};
  if (file.size() > max_bytes) throw FileError({file.path()}, EFBIG);
  return read_first(file, static_cast<std::size_t>(file.size()), buffer);
}

std::span<const std::byte> FileList::read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const {
  const OpenFile file{std::string(paths_[i])};
  return read_first(file, static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), n)), buffer);
}

}  // namespace fastbatch
