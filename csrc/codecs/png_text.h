// SPDX-License-Identifier: MIT
// Compressed texts and colour profiles in PNG files, whose size must be bounded. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fastbatch {

// The content of a compressed text or colour profile in a chunk of this type; partial if truncated, empty if damaged.
// Throws DecodeError if it is longer than 1 MiB.
std::optional<std::string> inflate_png_text(std::string_view compressed, const char* type);

// The bytes of a "Raw profile type exif": the hexadecimal digits after the third line break, up to another character.
std::string exif_of_png_text(std::string_view text);

}  // namespace fastbatch
