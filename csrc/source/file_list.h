// SPDX-License-Identifier: MIT
// One small file per sample: a million paths without a million strings, and reading one of them into a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fastbatch {

// Paths in one arena. Threads: one thread adds; afterwards any thread reads.
class FileList {
 public:
  void reserve(std::size_t n_paths, std::size_t n_bytes);
  void add(std::string_view path);  // bytes, not necessarily UTF-8
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept;  // valid until the next add()
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return blob_.capacity() + ends_.capacity() * 8; }

 private:
  std::string blob_;
  std::vector<std::uint64_t> ends_;  // of each path in blob_
};

// A thread's own buffer for whole files: grows to the largest, and lets a giant's memory go again.
// Threads: one thread at a time.
class FileBuffer {
 public:
  // The bytes of the file, valid until the next read(). Throws FileError (EFBIG over `max_bytes`; a FIFO or a directory
  // is refused, never waited for), FormatError when the file became shorter meanwhile.
  std::span<const std::byte> read(std::string_view path, std::uint64_t max_bytes);
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  void make_room(std::size_t size);

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;       // of buffer_
  std::size_t n_small_ = 0;        // reads in a row that needed at most a quarter of it
  std::size_t largest_small_ = 0;  // what the largest of them needed
};

}  // namespace fastbatch
