// SPDX-License-Identifier: MIT
// What a file is, by its first bytes; names and extensions do not count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace fastbatch {

enum class Content : std::uint8_t { kUnknown, kEmpty, kNpy, kZip, kIdx, kGzipIdx, kGzip, kJpeg };

inline constexpr std::size_t kContentBytes = 512;  // recognise() never looks further

// `head` is the whole of a small file, or its first kContentBytes.
Content recognise(std::span<const std::byte> head);
Content recognise_file(const std::string& path);  // throws FileError

}  // namespace fastbatch
