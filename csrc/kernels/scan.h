// SPDX-License-Identifier: MIT
// Where words and lines of UTF-8 text begin and end. Every target finds the same.
// Threads: any; nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fastbatch::kernels {

struct Scan {
  std::size_t n = 0;     // numbers written
  bool is_ascii = true;  // the whole text
};

// How many numbers a scan of `size` bytes may write: some more than it returns.
constexpr std::size_t scan_room(std::size_t size) noexcept { return size + 64; }

// edges = begin and end of every word of str.split(), one after the other: n is even. Text of at most 2^32 - 65 bytes,
// valid or not: bytes that are no white space belong to words. `edges` has room for scan_room(text.size()).
Scan find_words(std::span<const std::byte> text, std::uint32_t* edges);

// ends = the places of all '\n' and '\r'. Room and sizes as above.
Scan find_line_ends(std::span<const std::byte> text, std::uint32_t* ends);

}  // namespace fastbatch::kernels
