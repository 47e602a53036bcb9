// SPDX-License-Identifier: MIT
#include "source/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/error.h"
#include "source/guarded_read.h"

namespace fastbatch {
namespace {

// To all others mincore() reports every page as present (Linux since 5.2).
bool may_see_residency(const OpenFile& file) {
  struct stat status{};
  if (::fstat(file.descriptor(), &status) != 0) return false;
  const uid_t user = ::geteuid();
  return user == 0 || user == status.st_uid || ::faccessat(AT_FDCWD, file.path().c_str(), W_OK, AT_EACCESS) == 0;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : file_(path), sees_residency_(may_see_residency(file_)) {
  const std::uint64_t size = file_.size();
  if (size == 0) return;
  if (size > static_cast<std::uint64_t>(PTRDIFF_MAX)) throw FileError({path}, EFBIG);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file_.descriptor(), 0);
  if (start == MAP_FAILED) throw FileError({path}, errno);
  bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::require(std::uint64_t size) const {
  const std::uint64_t now = file_.size_now();
  if (now >= size) return;
  throw FormatError({path()}, "file became shorter while in use: expected " + std::to_string(size) + " bytes, found " +
                                  std::to_string(now));
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
