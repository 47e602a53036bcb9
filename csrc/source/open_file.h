// SPDX-License-Identifier: MIT
// A regular file, open for reading; everything in source/ opens files through here.
// Threads: immutable once built; any thread may read_at().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "platform/file.h"

namespace fastbatch {

class OpenFile {
 public:
  // As open_file().
  explicit OpenFile(const std::string& path);
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();

  [[nodiscard]] FileHandle handle() const noexcept { return handle_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return status_.size; }   // when it was opened
  [[nodiscard]] const FileStatus& status() const noexcept { return status_; }  // when it was opened
  [[nodiscard]] FileStatus status_now() const;                                 // throws FileError
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Fills `dst` from `offset`, and returns the number of bytes: fewer only at the end of the file.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> dst) const;  // throws FileError

 private:
  std::string path_;
  FileStatus status_;  // set by the opening of handle_, so before it
  FileHandle handle_;
};

}  // namespace fastbatch
