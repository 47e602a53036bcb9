// SPDX-License-Identifier: MIT
// What the kernel tests share: each target in turn, and memory at every misalignment whose ends are watched.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace fastbatch::kernels::testing {

constexpr std::size_t kLengths = 258;  // elements: 0 to 257
constexpr std::size_t kOffsets = 64;   // bytes

// Runs body() on every target of this CPU, "scalar" last, and leaves the best one active, also after a failure.
template <typename Body>
void on_all_targets(const Body& body) {
  struct Restore {
    ~Restore() { narrow_targets(""); }
  } restore;
  for (const std::string& name : supported_targets()) {
    narrow_targets(name);
    CAPTURE(name);
    body();
  }
}

// The same bytes in every run.
inline std::vector<std::byte> noise(std::size_t size, std::uint64_t seed = 1) {
  std::vector<std::byte> bytes(size);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U;
  for (std::byte& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

// `size` bytes that start `offset` (modulo 64) bytes after a 64-byte boundary. The allocation ends with them, so that
// AddressSanitizer sees a step past the end; the 64 bytes before them are checked by holds().
class Arena {
 public:
  Arena(std::size_t offset, std::size_t size)
      : start_(kOffsets + offset % kOffsets), size_(size), memory_(allocate(start_ + size)) {
    std::memset(memory_.get(), static_cast<int>(kCanary), start_ + size);
  }
  Arena(std::size_t offset, const std::vector<std::byte>& content) : Arena(offset, content.size()) {
    if (!content.empty()) std::memcpy(data(), content.data(), content.size());
  }
  [[nodiscard]] std::byte* data() { return memory_.get() + start_; }
  [[nodiscard]] bool holds(const std::vector<std::byte>& expected) const {
    if (expected.size() != size_) return false;
    if (size_ != 0 && std::memcmp(expected.data(), memory_.get() + start_, size_) != 0) return false;
    return memory_[0] == kCanary && std::memcmp(memory_.get(), memory_.get() + 1, start_ - 1) == 0;  // all the same
  }

 private:
  static constexpr std::byte kCanary{0xA7};
  static constexpr std::align_val_t kAlignment{kOffsets};
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete[](memory, kAlignment); }
  };
  static std::byte* allocate(std::size_t size) { return new (kAlignment) std::byte[size]; }

  std::size_t start_;
  std::size_t size_;
  std::unique_ptr<std::byte[], Free> memory_;
};

}  // namespace fastbatch::kernels::testing
