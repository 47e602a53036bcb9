// SPDX-License-Identifier: MIT
// The orientation in EXIF or XMP data, as Pillow's Image.getexif() finds it. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fastbatch {

// `exif`: a TIFF header and its first directory, after "Exif\0\0" or not. Nothing when the tag is missing or cannot be
// reached; 1 when its value is none of 1 to 8.
[[nodiscard]] std::optional<std::uint8_t> exif_orientation(std::span<const std::byte> exif);

// `xmp`: the XML text, which counts only where EXIF has no such tag.
[[nodiscard]] std::optional<std::uint8_t> xmp_orientation(std::string_view xmp) noexcept;

}  // namespace fastbatch
