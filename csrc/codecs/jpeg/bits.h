// SPDX-License-Identifier: MIT
// The bits of entropy-coded data: stuffed zeros are removed a chunk at a time, so that a refill is one load without a
// branch. Threads: one at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace fastbatch::jpeg {

// The next bits of a padded buffer, the first one on top. Copy it to a local variable in a loop: it stays in registers.
struct Bits {
  const std::uint8_t* at = nullptr;  // next byte to load
  std::uint64_t window = 0;
  unsigned n = 0;  // valid bits of the window

  // At least 56 bits.
  [[gnu::always_inline]] void refill() noexcept {
    std::uint64_t next;
    std::memcpy(&next, at, sizeof(next));
    if constexpr (std::endian::native == std::endian::little) next = __builtin_bswap64(next);
    window |= next >> n;
    at += (63 - n) >> 3U;
    n |= 56;
  }
  [[gnu::always_inline]] [[nodiscard]] std::uint32_t peek(unsigned count) const noexcept {  // 1 to 32
    return static_cast<std::uint32_t>(window >> (64 - count));
  }
  [[gnu::always_inline]] void skip(unsigned count) noexcept {
    window <<= count;
    n -= count;
  }
  // A coefficient of `size` bits, 1 to 15, as JPEG codes it: the upper half is positive.
  [[gnu::always_inline]] int take_value(unsigned size) noexcept {
    const auto value = static_cast<int>(peek(size));
    skip(size);
    return value < (1 << (size - 1)) ? value - (1 << size) + 1 : value;
  }
};

// Entropy-coded data up to the next marker. Reads the file's bytes; the owner keeps them.
class EntropyData {
 public:
  static constexpr std::size_t kMargin = 4096;  // more than any MCU takes, and zeros behind the end

  // Starts at a file offset.
  void open(std::span<const std::uint8_t> file, std::size_t offset);
  // Starts at a bit of the file, as SeekPoint counts them, and ends before `stop`, a file offset, without a marker.
  // False: there is no such place, or the data is not in order.
  [[nodiscard]] bool open_at(std::span<const std::uint8_t> file, std::uint64_t bit, std::size_t stop);

  // Call before each MCU. False: the data was over before the last one ended, or is not in order.
  [[gnu::always_inline]] [[nodiscard]] bool prepare(Bits& current) { return current.at <= limit_ || load(current); }

  // Whether all bits that were taken are in the data: what comes from beyond its end is zeros.
  [[nodiscard]] bool has_taken(const Bits& current) const noexcept {
    return !is_complete_ || (current.at - end_) * 8 <= static_cast<std::ptrdiff_t>(current.n);
  }
  // Bits of the data that were taken, from the byte on at which it was opened, without the stuffed zeros.
  [[nodiscard]] std::uint64_t position(const Bits& current) const noexcept {
    return (moved_ + static_cast<std::uint64_t>(current.at - buffer_.data())) * 8 - current.n;
  }
  // After the last MCU before a marker. True: all of it was there. marker(): the file offset of the marker.
  [[nodiscard]] bool finish(const Bits& current);
  // Looks for the marker only. For data that was not, or not all, decoded.
  [[nodiscard]] bool find_marker();
  [[nodiscard]] std::size_t marker() const noexcept { return offset_; }

  Bits bits{};

 private:
  bool load(Bits& current);

  std::span<const std::uint8_t> file_{};
  std::size_t offset_ = 0;             // of the file: next byte to load, or the marker
  std::size_t stop_ = 0;               // of the file: no byte from here on is loaded
  std::uint64_t moved_ = 0;            // bytes that were in the buffer before its first one
  std::vector<std::uint8_t> buffer_;   // without stuffed zeros
  const std::uint8_t* end_ = nullptr;  // of the bytes in the buffer
  const std::uint8_t* limit_ = nullptr;
  bool is_complete_ = false;  // the buffer ends at a marker
};

}  // namespace fastbatch::jpeg
