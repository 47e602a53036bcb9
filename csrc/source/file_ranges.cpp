// SPDX-License-Identifier: MIT
#include "source/file_ranges.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace fastbatch {
namespace {

void require_same(const std::string& path, const FileStatus& before, const FileStatus& now) {
  if (now.is_same_file(before) && now.size == before.size && now.modified == before.modified) return;
  throw FormatError({path}, "file changed while in use: expected it as it was when it was opened, found another");
}

}  // namespace

FileRanges::FileRanges(std::vector<File> files, std::vector<Range> ranges, Names names)
    : files_(std::move(files)), ranges_(std::move(ranges)), names_(std::move(names)) {
  if (names_.size() != ranges_.size()) {
    throw std::invalid_argument("names: expected " + std::to_string(ranges_.size()) + ", found " +
                                std::to_string(names_.size()));
  }
  for (const Range& range : ranges_) {
    if (range.file >= files_.size()) {
      throw std::invalid_argument("ranges: expected a file below " + std::to_string(files_.size()) + ", found " +
                                  std::to_string(range.file));
    }
  }
}

std::span<const std::byte> FileRanges::read_first(std::uint64_t i, std::uint64_t size, ReadBuffer& buffer) const {
  const Range& range = ranges_[i];
  const File& known = files_[range.file];
  if (size > kMaxSampleBytes) throw FileError({name(i)}, EFBIG);
  const OpenFile file{known.path};
  const std::span<std::byte> bytes = buffer.make_room(static_cast<std::size_t>(size));
  const std::size_t n_read = file.read_at(range.offset, bytes);
  require_same(known.path, known.status, file.status_now());
  if (n_read < bytes.size()) {
    throw FormatError({name(i)},
                      "ends early: expected " + std::to_string(size) + " bytes, found " + std::to_string(n_read));
  }
  return bytes;
}

std::span<const std::byte> FileRanges::read(std::uint64_t i, ReadBuffer& buffer) const {
  return read_first(i, ranges_[i].size, buffer);
}

std::span<const std::byte> FileRanges::read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const {
  return read_first(i, std::min<std::uint64_t>(ranges_[i].size, n), buffer);
}

std::string FileRanges::name(std::uint64_t i) const {
  return files_[ranges_[i].file].path + ": " + std::string(names_[i]);
}

}  // namespace fastbatch
