// SPDX-License-Identifier: MIT
#include "source/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/error.h"
#include "source/guarded_read.h"

namespace fastbatch {
namespace {

// Its own descriptor answers faster than a path, which matters to batches of a few microseconds; thousands of files
// would exhaust the process's limit (1,024 by default).
constexpr int kMostDescriptors = 64;
constinit std::atomic<int> n_descriptors{0};

// To all others mincore() reports every page as present (Linux since 5.2).
bool may_see_residency(const OpenFile& file) {
  struct stat status{};
  if (::fstat(file.descriptor(), &status) != 0) return false;
  const uid_t user = ::geteuid();
  return user == 0 || user == status.st_uid || ::faccessat(AT_FDCWD, file.path().c_str(), W_OK, AT_EACCESS) == 0;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  auto file = std::make_unique<OpenFile>(path);
  status_ = file->status();
  sees_residency_ = may_see_residency(*file);
  std::error_code error;
  absolute_path_ = std::filesystem::absolute(path, error).string();
  if (error) absolute_path_ = path;
  const std::uint64_t size = status_.size;
  if (size == 0) return;
  if (size > static_cast<std::uint64_t>(PTRDIFF_MAX)) throw FileError({path}, EFBIG);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file->descriptor(), 0);
  if (start == MAP_FAILED) throw FileError({path}, errno);
  bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
  if (n_descriptors.fetch_add(1, std::memory_order_relaxed) < kMostDescriptors) {
    kept_ = std::move(file);
  } else {
    n_descriptors.fetch_sub(1, std::memory_order_relaxed);
  }
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  if (kept_) n_descriptors.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<FileStatus> MappedFile::status_now() const {
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
