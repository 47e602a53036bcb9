// SPDX-License-Identifier: MIT
// What the fuzzers of image readers share: any bytes are decoded or refused, whole and in part, in every mode; nothing
// crashes, leaks or hangs, and what one file leaves behind does not change the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "codecs/reader.h"
#include "common/error.h"

namespace fastbatch::test {

constexpr std::uint64_t kFewPixels = 1 << 18;

inline std::optional<std::vector<std::uint8_t>> read_part(ImageReader& reader, std::span<const std::byte> file,
                                                          ColorMode mode, const Window& window, bool is_deep = false) {
  try {
    const ImageInfo info = reader.read_header(file, kFewPixels);
    const ImageSize size = info.size;
    if (is_deep && info.element == DType::kU8) return std::nullopt;
    const bool fits = window.x + window.width <= size.width && window.y + window.height <= size.height;
    const Window come = reader.start(mode, {.window = fits ? window : Window{}, .is_deep = is_deep}).window;
    const std::size_t channels = mode == ColorMode::kStored ? info.channels : channels_of(mode);
    const std::size_t pixel_bytes = is_deep ? channels * size_of(info.element) : pixel_bytes_of(mode);
    std::vector<std::uint8_t> pixels(pixel_bytes * come.width * come.height);
    std::size_t y = 0;
    while (const std::size_t n = reader.read_rows(pixels.data() + y * come.width * pixel_bytes, 5)) y += n;
    reader.finish();
    return pixels;
  } catch (const DecodeError&) {
    return std::nullopt;
  }
}

template <typename Reader>
void fuzz_reader(std::span<const std::byte> file) {
  static Reader used;
  Reader fresh;
  for (const ColorMode mode : {ColorMode::kRgb, ColorMode::kRgba, ColorMode::kGray, ColorMode::kGray16,
                               ColorMode::kIndex, ColorMode::kGrayAlpha}) {
    read_part(used, file, mode, {1, 2, 3, 4});
    if (read_part(used, file, mode, {}) != read_part(fresh, file, mode, {})) std::abort();
  }
  for (const ColorMode mode : {ColorMode::kRgb, ColorMode::kRgba, ColorMode::kGray, ColorMode::kStored}) {
    read_part(used, file, mode, {1, 2, 3, 4}, true);
    if (read_part(used, file, mode, {}, true) != read_part(fresh, file, mode, {}, true)) std::abort();
  }
}

}  // namespace fastbatch::test
