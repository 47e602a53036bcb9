// SPDX-License-Identifier: MIT
// Samples that are ranges of a few large files: members of tar archives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "source/names.h"
#include "source/open_file.h"
#include "source/source.h"

namespace fastbatch {

// Each read opens the file, as FileList does: any number of archives needs no descriptors, and a file that was replaced
// or written to since is an error, never other bytes. Threads: immutable, any.
class FileRanges : public SampleSource {
 public:
  struct File {
    std::string path;
    FileStatus status;  // when the ranges were found
  };
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t file = 0;  // index into the files
  };

  // `names`: one per range, within its file. Throws std::invalid_argument if the lengths differ or a file is missing.
  FileRanges(std::vector<File> files, std::vector<Range> ranges, Names names);

  [[nodiscard]] std::uint64_t size() const noexcept override { return ranges_.size(); }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& buffer) const override;
  std::span<const std::byte> read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const override;
  [[nodiscard]] std::string name(std::uint64_t i) const override;  // "shards/000.tar: cats/1.jpg"

 private:
  std::span<const std::byte> read_first(std::uint64_t i, std::uint64_t size, ReadBuffer& buffer) const;

  std::vector<File> files_;
  std::vector<Range> ranges_;
  Names names_;
};

}  // namespace fastbatch
