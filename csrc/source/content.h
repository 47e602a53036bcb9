// SPDX-License-Identifier: MIT
// Which array file a file is, by its first bytes; names and extensions do not count. Images: codecs/registry.h.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace fastbatch {

enum class Content : std::uint8_t { kUnknown, kEmpty, kNpy, kZip, kIdx, kGzipIdx, kGzip };

inline constexpr std::size_t kContentBytes = 512;  // recognise() never looks further

// `head` is the whole of a small file, or its first kContentBytes.
Content recognise(std::span<const std::byte> head);
Content recognise_file(const std::string& path);  // throws FileError

}  // namespace fastbatch
