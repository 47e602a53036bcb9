// SPDX-License-Identifier: MIT
#include "source/mapped_file.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "source/block_space.h"
#include "source/guarded_read.h"

namespace fastbatch {
namespace {

// Its own descriptor answers faster than a path, which matters to batches of a few microseconds; thousands of files
// would exhaust the process's limit (1,024 by default).
constexpr int kMostDescriptors = 64;
constinit std::atomic<int> n_descriptors{0};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  auto file = std::make_unique<OpenFile>(path);
  status_ = file->status();
  residency_ = residency_of(file->handle(), path);
  absolute_path_ = absolute_path(path);
  const std::uint64_t size = status_.size;
  if (size == 0) return;
  if (size > static_cast<std::uint64_t>(PTRDIFF_MAX)) throw FileError({path}, EFBIG);
  bytes_ = map_file(file->handle(), size, path);
  if (n_descriptors.fetch_add(1, std::memory_order_relaxed) < kMostDescriptors) {
    kept_ = std::move(file);
  } else {
    n_descriptors.fetch_sub(1, std::memory_order_relaxed);
  }
}

MappedFile::MappedFile(std::shared_ptr<BlockSpace> space)
    : path_(space->name()), absolute_path_(path_), space_(std::move(space)), bytes_(space_->bytes()) {
  status_.size = bytes_.size();
}

MappedFile::~MappedFile() {
  if (!bytes_.empty() && !space_) unmap_file(bytes_);
  if (kept_) n_descriptors.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<FileStatus> MappedFile::status_now() const {
  if (space_) return status_;
  if (kept_) return kept_->status_now();
  const std::optional<FileStatus> found = status_of(absolute_path_);
  return found && found->is_same_file(status_) ? found : std::nullopt;
}

const OpenFile* MappedFile::opened(std::unique_ptr<OpenFile>& again) const {
  if (kept_) return kept_.get();
  if (!status_now()) return nullptr;
  again = std::make_unique<OpenFile>(absolute_path_);
  return again->status().is_same_file(status_) ? again.get() : nullptr;
}

void MappedFile::require(std::uint64_t size) const {
  const std::optional<FileStatus> now = status_now();
  if (!now || now->size >= size) return;
  throw FormatError({path()}, "file became shorter while in use: expected " + std::to_string(size) + " bytes, found " +
                                  std::to_string(now->size));
}

std::vector<std::byte> MappedFile::copy(std::uint64_t offset, std::size_t n_bytes) const {
  if (offset > size() || n_bytes > size() - offset) {
    throw FormatError({path(), {}, offset}, "file ends early: expected " + std::to_string(n_bytes) + " bytes, found " +
                                                std::to_string(offset > size() ? 0 : size() - offset));
  }
  std::vector<std::byte> copied(n_bytes);
  if (n_bytes == 0) return copied;
  read_guarded(*this, offset + n_bytes, [dst = copied.data(), src = bytes_.data() + offset, n_bytes]() noexcept {
    std::memcpy(dst, src, n_bytes);
  });
  return copied;
}

}  // namespace fastbatch
