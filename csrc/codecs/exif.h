// SPDX-License-Identifier: MIT
// The orientation in EXIF or XMP data, as Pillow's Image.getexif() finds it. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fastbatch {

// `exif`: a TIFF header and its first directory, with or without "Exif\0\0" before it. Empty if the tag is missing or
// cannot be read; 1 if its value is not in 1 to 8.
[[nodiscard]] std::optional<std::uint8_t> exif_orientation(std::span<const std::byte> exif);

// `xmp`: the XML text; used only if EXIF has no orientation.
[[nodiscard]] std::optional<std::uint8_t> xmp_orientation(std::string_view xmp) noexcept;

}  // namespace fastbatch
