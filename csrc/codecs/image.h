// SPDX-License-Identifier: MIT
// Common types of codecs and image operations. Threads: values; any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fastbatch {

// Images with more pixels are rejected before memory is allocated; the limit at which Pillow raises.
inline constexpr std::uint64_t kMaxPixels = 178'956'970;

// Images with longer sides are not resized: the tables of weights grow with a side, however few pixels there are.
inline constexpr std::uint32_t kLongestSide = 65'535;

struct ImageSize {
  std::uint32_t width = 0;
  std::uint32_t height = 0;

  [[nodiscard]] std::uint64_t pixels() const noexcept { return std::uint64_t{width} * height; }
  bool operator==(const ImageSize&) const = default;
};

// A rectangle of whole pixels of an image.
struct Window {
  std::size_t x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Window&) const = default;
};

inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace fastbatch
