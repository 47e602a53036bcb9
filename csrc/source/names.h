// SPDX-License-Identifier: MIT
// A list of names in one arena, without a string per name.
// Threads: one thread adds; afterwards any thread reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fastbatch {

class Names {
 public:
  void reserve(std::size_t n_names, std::size_t n_bytes) {
    ends_.reserve(n_names);
    arena_.reserve(n_bytes);
  }
  void add(std::string_view name) {  // bytes, not necessarily UTF-8
    arena_.append(name);
    ends_.push_back(arena_.size());
  }
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {  // valid until the next add()
    const std::uint64_t start = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(arena_).substr(start, ends_[i] - start);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return arena_.capacity() + ends_.capacity() * 8; }

 private:
  std::string arena_;
  std::vector<std::uint64_t> ends_;  // end of each name in the arena
};

}  // namespace fastbatch
