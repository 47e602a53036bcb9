// SPDX-License-Identifier: MIT
// Recognises array formats by the first bytes of a file; names and extensions are ignored. Images: codecs/registry.h.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace fastbatch {

enum class Content : std::uint8_t { kUnknown, kEmpty, kNpy, kZip, kIdx, kGzipIdx, kGzip };

inline constexpr std::size_t kContentBytes = 512;  // bytes that recognise() may read

// `head`: the first kContentBytes of a file, or all of a smaller file.
Content recognise(std::span<const std::byte> head);
Content recognise_file(const std::string& path);  // throws FileError

}  // namespace fastbatch
