// SPDX-License-Identifier: MIT
// A source of encoded samples. A new kind of storage (a tar file, a Parquet column, an object store) is a new
// SampleSource; image, mask and matrix decoders and the probe use only this interface.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/error.h"

namespace fastbatch {

// Larger files are rejected (EFBIG): they are not samples, and could exhaust the memory.
inline constexpr std::uint64_t kMaxSampleBytes = std::uint64_t{1} << 30U;

// A thread's memory for one sample at a time. Grows to the largest sample, and shrinks after many small ones.
// Threads: one at a time.
class ReadBuffer {
 public:
  // `size` bytes with any content, valid until the next call.
  std::span<std::byte> make_room(std::size_t size);
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  void replace(std::size_t wanted);

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;       // bytes in memory_
  std::size_t n_small_ = 0;        // consecutive calls that needed at most a quarter of it
  std::size_t largest_small_ = 0;  // bytes needed by the largest of them
};

// Threads: immutable once built; any thread reads, each with its own buffer.
class SampleSource {
 public:
  virtual ~SampleSource() = default;

  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;  // samples

  // The whole sample, valid until the buffer's next use. Throws Error.
  virtual std::span<const std::byte> read(std::uint64_t i, ReadBuffer& buffer) const = 0;

  // The first `n` bytes of the sample, or all of a shorter one; valid as for read(). Throws Error.
  virtual std::span<const std::byte> read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const {
    const std::span<const std::byte> sample = read(i, buffer);
    return sample.first(std::min(n, sample.size()));
  }

  // For messages and fingerprints: "cats/0412.jpg". Bytes, not necessarily UTF-8.
  [[nodiscard]] virtual std::string name(std::uint64_t i) const = 0;

  // The location for errors of this sample.
  [[nodiscard]] virtual Where where(std::uint64_t i) const { return {name(i), i}; }

  // As Decoder::advise().
  [[nodiscard]] virtual std::size_t advise(std::span<const std::uint64_t> /*indices*/) const { return 0; }
};

}  // namespace fastbatch
