// SPDX-License-Identifier: MIT
// A range of a file, read in order. Large pieces are read straight to where they are wanted, small ones through a
// buffer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

namespace fastbatch {

// Threads: one at a time.
class ByteStream {
 public:
  // Fills a span from an offset, and returns the number of bytes: fewer only at the end. As OpenFile::read_at().
  using Read = std::function<std::size_t(std::uint64_t, std::span<std::byte>)>;

  ByteStream(Read read, std::uint64_t begin, std::uint64_t end) : read_(std::move(read)), next_(begin), end_(end) {}

  [[nodiscard]] std::uint64_t left() const noexcept { return end_ - next_ + filled_ - used_; }  // bytes to come
  bool take(std::span<std::byte> dst);  // false if the range ends before `dst` is full. Throws what the reading throws
  std::optional<std::uint8_t> take_byte();

 private:
  bool fill();

  Read read_;
  std::uint64_t next_;  // offset of the first byte that is not in the buffer
  std::uint64_t end_;   // of the range; where the file ends, if that is less and known
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  std::array<std::byte, 8192> buffer_;  // the bytes [used_, filled_) are to come
};

}  // namespace fastbatch
