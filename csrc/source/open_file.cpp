// SPDX-License-Identifier: MIT
#include "source/open_file.h"

namespace fastbatch {

OpenFile::OpenFile(const std::string& path) : path_(path), handle_(open_file(path, status_)) {}

OpenFile::~OpenFile() { close_file(handle_); }

FileStatus OpenFile::status_now() const { return status_of(handle_, path_); }

std::size_t OpenFile::read_at(std::uint64_t offset, std::span<std::byte> dst) const {
  std::size_t n_read = 0;
  while (n_read < dst.size()) {
    const std::size_t got = read_once(handle_, offset + n_read, dst.subspan(n_read), path_);
    if (got == 0) break;
    n_read += got;
  }
  return n_read;
}

}  // namespace fastbatch
