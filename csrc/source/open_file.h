// SPDX-License-Identifier: MIT
// A regular file, open for reading; everything in source/ opens files through here.
// Threads: immutable once built; any thread may read_at().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace fastbatch {

// What the system says of a file.
struct FileStatus {
  std::uint64_t size = 0;
  std::pair<std::int64_t, std::int64_t> modified{};  // seconds, nanoseconds
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  [[nodiscard]] bool is_same_file(const FileStatus& other) const noexcept {
    return device == other.device && inode == other.inode;
  }
};

// The status of the file at `path`, or nothing where there is none, or none that can be seen.
std::optional<FileStatus> status_of(const std::string& path) noexcept;

class OpenFile {
 public:
  // Never waits (FIFOs are rejected). The descriptor is not inherited by child programs.
  // Throws FileError: what open() said, EISDIR for a directory, ESPIPE for whatever else is not a regular file.
  explicit OpenFile(const std::string& path);
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return status_.size; }   // when it was opened
  [[nodiscard]] const FileStatus& status() const noexcept { return status_; }  // when it was opened
  [[nodiscard]] FileStatus status_now() const;                                 // throws FileError
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Fills `dst` from `offset`, and returns the number of bytes: fewer only at the end of the file.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> dst) const;  // throws FileError

 private:
  std::string path_;
  int descriptor_ = -1;
  FileStatus status_;
};

}  // namespace fastbatch
