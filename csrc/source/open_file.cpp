// SPDX-License-Identifier: MIT
#include "source/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"

namespace fastbatch {
namespace {

// Owns the descriptor until the constructor has checked the file.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const noexcept { return value_; }
  int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_;
};

FileStatus status_from(const struct stat& status) noexcept {
  return {static_cast<std::uint64_t>(status.st_size),
          {status.st_mtim.tv_sec, status.st_mtim.tv_nsec},
          static_cast<std::uint64_t>(status.st_dev),
          static_cast<std::uint64_t>(status.st_ino)};
}

int open_without_waiting(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw FileError({path}, EINVAL);
  int descriptor = -1;
  do {
    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer. No effect on regular files.
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) throw FileError({path}, errno);
  return descriptor;
}

}  // namespace

std::optional<FileStatus> status_of(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status_from(status);
}

OpenFile::OpenFile(const std::string& path) : path_(path) {
  Descriptor descriptor(open_without_waiting(path));
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) throw FileError({path}, errno);
  if (S_ISDIR(status.st_mode)) throw FileError({path}, EISDIR);
  if (!S_ISREG(status.st_mode)) throw FileError({path}, ESPIPE, "Not a regular file");
  status_ = status_from(status);
  descriptor_ = descriptor.release();
}

OpenFile::~OpenFile() { ::close(descriptor_); }

FileStatus OpenFile::status_now() const {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) throw FileError({path_}, errno);
  return status_from(status);
}

std::size_t OpenFile::read_at(std::uint64_t offset, std::span<std::byte> dst) const {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;  // Linux reads at most 2 GiB at once
  std::size_t n_read = 0;
  while (n_read < dst.size()) {
    const std::size_t wanted = std::min(dst.size() - n_read, kLargestRead);
    const ssize_t got = ::pread(descriptor_, dst.data() + n_read, wanted, static_cast<off_t>(offset + n_read));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw FileError({path_}, errno);
    if (got == 0) break;
    n_read += static_cast<std::size_t>(got);
  }
  return n_read;
}

}  // namespace fastbatch
