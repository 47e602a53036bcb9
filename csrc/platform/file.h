// SPDX-License-Identifier: MIT
// Regular files as the operating system has them. `source/open_file.h` owns a handle; nothing else should hold one.
// Paths are bytes: on Windows, UTF-8 as os.fsencode() gives it. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace fastbatch {

// A POSIX descriptor, or a HANDLE of Windows.
using FileHandle = std::intptr_t;

// What the system says of a file.
struct FileStatus {
  std::uint64_t size = 0;
  std::pair<std::int64_t, std::int64_t> modified{};  // seconds, nanoseconds
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  [[nodiscard]] bool is_same_file(const FileStatus& other) const noexcept {
    return device == other.device && inode == other.inode;
  }
  // Whether this is the same file, and nothing was written to it in between.
  [[nodiscard]] bool is_unchanged(const FileStatus& now) const noexcept {
    return size == now.size && modified == now.modified && is_same_file(now);
  }
};

// Opens a regular file for reading, without waiting (FIFOs are rejected), and sets its status. Child programs do not
// inherit the handle. Throws FileError: what the system said, EISDIR for a folder, ESPIPE for whatever else is not a
// regular file.
FileHandle open_file(const std::string& path, FileStatus& status);
void close_file(FileHandle file) noexcept;

// `path` is for the FileError that these throw.
FileStatus status_of(FileHandle file, const std::string& path);

// One read at an offset: the number of bytes, 0 at the end of the file. May read fewer than asked for.
std::size_t read_once(FileHandle file, std::uint64_t offset, std::span<std::byte> dst, const std::string& path);

// The status of the file at `path`, or nothing where there is none, or none that can be seen.
std::optional<FileStatus> status_of(const std::string& path) noexcept;

// The path from the root; `path` itself if the current folder is unknown.
std::string absolute_path(const std::string& path);

// Writes a byte to a pipe, unless it is full: somebody reads it already.
void ring(FileHandle pipe) noexcept;

// Tells the system that the file will be read from its beginning to its end. A hint.
void advise_sequential(FileHandle file) noexcept;

}  // namespace fastbatch
