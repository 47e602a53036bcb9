// SPDX-License-Identifier: MIT
#include "source/file_list.h"

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "source/open_file.h"

namespace fastbatch {

void FileList::reserve(std::size_t n_paths, std::size_t n_bytes) {
  ends_.reserve(n_paths);
  blob_.reserve(n_bytes);
}

void FileList::add(std::string_view path) {
  blob_.append(path);
  ends_.push_back(blob_.size());
}

std::string_view FileList::operator[](std::size_t i) const noexcept {
  const std::uint64_t start = i == 0 ? 0 : ends_[i - 1];
  return std::string_view(blob_).substr(start, ends_[i] - start);
}

std::span<const std::byte> FileBuffer::read(std::string_view path, std::uint64_t max_bytes) {
  const OpenFile file{std::string(path)};
  if (file.size() > max_bytes) throw FileError({file.path()}, EFBIG);
  const auto size = static_cast<std::size_t>(file.size());
  make_room(size);
  const std::size_t n_read = file.read_at(0, {buffer_.get(), size});
  if (n_read < size) {
    throw FormatError({file.path()}, "file became shorter while it was read: expected " + std::to_string(size) +
                                         " bytes, found " + std::to_string(n_read));
  }
  return {buffer_.get(), size};
}

void FileBuffer::make_room(std::size_t size) {
  constexpr std::size_t kStep = std::size_t{64} << 10;
  constexpr std::size_t kAlwaysKept = std::size_t{1} << 20;
  constexpr std::size_t kSmallReadsBeforeShrinking = 64;
  auto replace = [this](std::size_t wanted) {
    const std::size_t room = (wanted / kStep + 1) * kStep;
    buffer_.reset();
    capacity_ = 0;
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(room);
    capacity_ = room;
    n_small_ = largest_small_ = 0;
  };
  // A quarter more than asked for: sizes that creep up would otherwise move the buffer each time.
  if (size > capacity_ || capacity_ == 0) return replace(size + size / 4);
  if (capacity_ <= kAlwaysKept || size > capacity_ / 4) {
    n_small_ = largest_small_ = 0;
    return;
  }
  largest_small_ = std::max(largest_small_, size);
  if (++n_small_ >= kSmallReadsBeforeShrinking) replace(largest_small_ + largest_small_ / 4);
}

}  // namespace fastbatch
