// SPDX-License-Identifier: MIT
// What the image codecs and the image decoder share: sizes, limits, and telling formats apart by their first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace fastbatch {

// More pixels than this are refused before anything is allocated for them; the limit at which Pillow raises.
inline constexpr std::uint64_t kMaxPixels = 178'956'970;

struct ImageSize {
  std::uint32_t width = 0;
  std::uint32_t height = 0;

  [[nodiscard]] std::uint64_t pixels() const noexcept { return std::uint64_t{width} * height; }
  bool operator==(const ImageSize&) const = default;
};

// Whole pixels of an image.
struct Window {
  std::size_t x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Window&) const = default;
};

// What a file is, by its first bytes, in words for a message: "JPEG", "PNG", "HTML", "an empty file", "the bytes 00 01
// 02 03".
std::string name_format(std::span<const std::byte> file);

}  // namespace fastbatch
