// SPDX-License-Identifier: MIT
#include "source/mapped_samples.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "source/guarded_read.h"

namespace fastbatch {

MappedSamples::MappedSamples(std::vector<std::shared_ptr<const MappedFile>> files, std::vector<Range> ranges,
                             Names names)
    : files_(std::move(files)), ranges_(std::move(ranges)), names_(std::move(names)) {
  if (names_.size() != ranges_.size()) {
    throw std::invalid_argument("names: expected " + std::to_string(ranges_.size()) + ", found " +
                                std::to_string(names_.size()));
  }
  for (const Range& range : ranges_) {
    const std::uint64_t size = range.file < files_.size() ? files_[range.file]->size() : 0;
    if (range.file >= files_.size() || range.offset > size || range.size > size - range.offset) {
      throw std::invalid_argument("ranges: expected parts of " + std::to_string(files_.size()) + " files, found " +
                                  std::to_string(range.size) + " bytes at " + std::to_string(range.offset));
    }
  }
}

std::span<const std::byte> MappedSamples::read_first(std::uint64_t i, std::uint64_t size, ReadBuffer& buffer) const {
  const Range& range = ranges_[i];
  const MappedFile& file = *files_[range.file];
  if (size > kMaxSampleBytes) throw FileError({name(i)}, EFBIG);
  const std::span<std::byte> bytes = buffer.make_room(static_cast<std::size_t>(size));
  if (size == 0) return bytes;
  read_guarded(file, range.offset + size,
               [&]() noexcept { std::memcpy(bytes.data(), file.bytes().data() + range.offset, bytes.size()); });
  return bytes;
}

std::span<const std::byte> MappedSamples::read(std::uint64_t i, ReadBuffer& buffer) const {
  return read_first(i, ranges_[i].size, buffer);
}

std::span<const std::byte> MappedSamples::read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const {
  return read_first(i, std::min<std::uint64_t>(ranges_[i].size, n), buffer);
}

std::string MappedSamples::name(std::uint64_t i) const {
  const std::string& path = files_[ranges_[i].file]->path();
  return path.empty() ? std::string(names_[i]) : path + ": " + std::string(names_[i]);
}

std::size_t MappedSamples::advise(std::span<const std::uint64_t> indices) const {
  std::size_t missing = 0;
  for (const std::uint64_t i : indices) {
    const ByteRange range{ranges_[i].offset, ranges_[i].size};
    missing += files_[ranges_[i].file]->advise_will_need({&range, 1});
  }
  return missing;
}

}  // namespace fastbatch
