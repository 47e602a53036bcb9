// SPDX-License-Identifier: MIT
// One small file per sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "source/names.h"
#include "source/source.h"

namespace fastbatch {

// The whole file, valid until the buffer's next use. Throws FileError (EFBIG over `max_bytes`; FIFOs and directories
// are rejected without waiting), FormatError if the file became shorter meanwhile. Threads: any, each with its buffer.
std::span<const std::byte> read_file(std::string_view path, ReadBuffer& buffer,
                                     std::uint64_t max_bytes = kMaxSampleBytes);

// Threads: one thread adds; afterwards any thread reads.
class FileList : public SampleSource {
 public:
  void reserve(std::size_t n_paths, std::size_t n_bytes) { paths_.reserve(n_paths, n_bytes); }
  void add(std::string_view path) { paths_.add(path); }  // bytes, not necessarily UTF-8
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept { return paths_[i]; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return paths_.memory_bytes(); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return paths_.size(); }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& buffer) const override {
    return read_file(paths_[i], buffer);
  }
  std::span<const std::byte> read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const override;
  [[nodiscard]] std::string name(std::uint64_t i) const override { return std::string(paths_[i]); }

 private:
  Names paths_;
};

}  // namespace fastbatch
