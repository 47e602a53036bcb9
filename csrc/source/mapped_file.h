// SPDX-License-Identifier: MIT
// A whole file, mapped read-only for this object's lifetime.
// Only the first 64 in the process keep their descriptors: thousands of files may be mapped at once. What became of the
// others is asked by their paths, where device and inode tell whether the path still leads to the file.
// Threads: immutable once built; any thread may read bytes(), preferably through guarded_read.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/mapping.h"
#include "source/open_file.h"

namespace fastbatch {

class BlockSpace;

struct ByteRange {
  std::uint64_t offset = 0;  // in the file
  std::uint64_t size = 0;
};

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);            // bytes, not necessarily UTF-8; throws FileError
  explicit MappedFile(std::shared_ptr<BlockSpace> space);  // an object in a store, in place of a file
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }  // empty for an empty file
  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }         // when it was mapped

  // Null for a file of this machine.
  [[nodiscard]] const std::shared_ptr<BlockSpace>& space() const noexcept { return space_; }

  // When it was opened, and now: nothing when the descriptor is closed and the file deleted or replaced by another.
  [[nodiscard]] const FileStatus& status() const noexcept { return status_; }
  [[nodiscard]] std::optional<FileStatus> status_now() const;  // throws FileError

  // Throws FormatError `expected <size> bytes, found <size now>` when the file is known to be shorter than `size`.
  void require(std::uint64_t size) const;

  // Copies [offset, offset + size) through the guard. Throws FormatError when the file is, or has become, too short.
  [[nodiscard]] std::vector<std::byte> copy(std::uint64_t offset, std::size_t size) const;

  // Tells the kernel how the mapping will be read. A hint: errors are ignored.
  void set_access(Access access) const noexcept;

  // Asks the kernel to read the missing pages of `ranges` (any order, overlaps allowed) in the background.
  // Returns the number of bytes that were not in memory; 0 means that advice is unnecessary. Ranges are clipped.
  [[nodiscard]] std::size_t advise_will_need(std::span<const ByteRange> ranges) const;

 private:
  // Throws FileError. The descriptor, or that of the file opened anew, held by `again`; null when its path leads
  // elsewhere.
  const OpenFile* opened(std::unique_ptr<OpenFile>& again) const;

  std::string path_;
  std::string absolute_path_;
  FileStatus status_;
  std::unique_ptr<OpenFile> kept_;  // of the first files only
  std::shared_ptr<BlockSpace> space_;
  std::span<const std::byte> bytes_;  // the mapping itself, or that of the space
  Residency residency_ = Residency::kOfMapping;
};

}  // namespace fastbatch
