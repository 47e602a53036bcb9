// SPDX-License-Identifier: MIT
#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/error.h"
#include "platform/posix/differences.h"

namespace fastbatch {
namespace {

FileStatus status_from(const struct stat& status) noexcept {
  const timespec modified = modification_time(status);
  return {static_cast<std::uint64_t>(status.st_size),
          {modified.tv_sec, modified.tv_nsec},
          static_cast<std::uint64_t>(status.st_dev),
          static_cast<std::uint64_t>(status.st_ino)};
}

// 0, or what speaks against reading the file.
int problem_of(int descriptor, FileStatus& found) noexcept {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  found = status_from(status);
  return S_ISREG(status.st_mode) ? 0 : ESPIPE;
}

}  // namespace

FileHandle open_file(const std::string& path, FileStatus& status) {
  if (path.find('\0') != std::string::npos) throw FileError({path}, EINVAL);
  int descriptor = -1;
  do {
    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer. No effect on regular files.
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) throw FileError({path}, errno);
  if (const int problem = problem_of(descriptor, status); problem != 0) {
    ::close(descriptor);
    if (problem == ESPIPE) throw FileError({path}, problem, "Not a regular file");
    throw FileError({path}, problem);
  }
  return descriptor;
}

void close_file(FileHandle file) noexcept { ::close(static_cast<int>(file)); }

FileStatus status_of(FileHandle file, const std::string& path) {
  struct stat status{};
  if (::fstat(static_cast<int>(file), &status) != 0) throw FileError({path}, errno);
  return status_from(status);
}

std::optional<FileStatus> status_of(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status_from(status);
}

std::size_t read_once(FileHandle file, std::uint64_t offset, std::span<std::byte> dst, const std::string& path) {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;  // Linux and macOS read at most 2 GiB at once
  const std::size_t wanted = std::min(dst.size(), kLargestRead);
  for (;;) {
    const ssize_t got = ::pread(static_cast<int>(file), dst.data(), wanted, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw FileError({path}, errno);
  }
}

void ring(FileHandle pipe) noexcept {
  const char byte = 0;
  static_cast<void>(::write(static_cast<int>(pipe), &byte, 1) == 1);
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

}  // namespace fastbatch
