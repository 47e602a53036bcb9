// SPDX-License-Identifier: MIT
// Finds the boundaries of words and lines in UTF-8 text. Every target gives the same.
// Threads: any; nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fastbatch::kernels {

struct Scan {
  std::size_t n = 0;     // numbers written
  bool is_ascii = true;  // the whole text is ASCII
};

// Room for the numbers of a scan of `size` bytes, which writes more than it returns.
constexpr std::size_t scan_room(std::size_t size) noexcept { return size + 64; }

// edges = begin and end of every word of str.split(), interleaved; n is even. Text of at most 2^32 - 65 bytes, valid or
// not: bytes that are not white space belong to words. `edges` has room for scan_room(text.size()) numbers.
Scan find_words(std::span<const std::byte> text, std::uint32_t* edges);

// ends = the positions of all '\n' and '\r'. Room and sizes as above.
Scan find_line_ends(std::span<const std::byte> text, std::uint32_t* ends);

}  // namespace fastbatch::kernels
