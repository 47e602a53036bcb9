// SPDX-License-Identifier: MIT
// The content of a gzip file, inflated piece by piece: memory is bounded however much there is.
// Threads: one at a time.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "source/open_file.h"

namespace fastbatch {

class GzipFile {
 public:
  explicit GzipFile(const OpenFile& file);  // which must outlive this object
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;
  ~GzipFile();

  // Fills `dst` with the content from `offset`, and returns the number of bytes: fewer only at the end of the content.
  // To go back, it begins anew. Throws FormatError for damaged data and for a file that ends early; FileError.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> dst);

 private:
  std::size_t read(std::span<std::byte> dst);
  void refill();
  void next_member();
  void restart();

  const OpenFile& file_;
  std::unique_ptr<std::byte[]> input_;
  z_stream stream_{};
  std::uint64_t input_at_ = 0;    // offset in the file of the next byte to buffer
  std::uint64_t content_at_ = 0;  // offset in the content of the next byte to inflate
  bool is_finished_ = false;
};

}  // namespace fastbatch
