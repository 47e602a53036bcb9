// SPDX-License-Identifier: MIT
// Texts in PNG files that say something about the image, or that must not grow without bound.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fastbatch {

// What a compressed text or colour profile in a chunk of this type holds, as far as it goes; nothing if it is damaged.
// Throws DecodeError if it is longer than 1 MiB.
std::optional<std::string> inflate_png_text(std::string_view compressed, const char* type);

// The bytes of a "Raw profile type exif": hexadecimal digits after the third line break, up to the first that is none.
std::string exif_of_png_text(std::string_view text);

}  // namespace fastbatch
