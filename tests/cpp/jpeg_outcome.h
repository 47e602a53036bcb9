// SPDX-License-Identifier: MIT
// What becomes of a file: its pixels, or the error. To compare JpegReader, which tries our own decoder, with
// TurboReader.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "codecs/jpeg/reader.h"
#include "codecs/jpeg/turbo_reader.h"
#include "common/error.h"

namespace fastbatch::test {

struct Outcome {
  std::string error{};
  std::vector<std::uint8_t> pixels{};  // of the part, without what the reader delivers around it
  std::string mode{};
  int orientation = 0;
  bool operator==(const Outcome&) const = default;
};

inline Outcome outcome_of(ImageReader& reader, std::span<const std::byte> file, ColorMode mode, const ImagePart& part,
                          std::size_t portion = 5, std::uint64_t max_pixels = kMaxPixels) {
  Outcome outcome;
  try {
    const ImageInfo info = reader.read_header(file, max_pixels);
    outcome.mode = info.mode;
    outcome.orientation = info.orientation;
    ImagePart asked = part;
    if (asked.window.width == 0) asked.window = {0, 0, info.size.width, info.size.height};
    asked.window.x = std::min<std::size_t>(asked.window.x, info.size.width - 1);
    asked.window.y = std::min<std::size_t>(asked.window.y, info.size.height - 1);
    asked.window.width = std::min<std::size_t>(asked.window.width, info.size.width - asked.window.x);
    asked.window.height = std::min<std::size_t>(asked.window.height, info.size.height - asked.window.y);
    const ImageRows rows = reader.start(mode, asked);
    const std::size_t bytes = pixel_bytes_of(mode);
    const std::size_t d = rows.denominator;
    const std::size_t left = asked.window.x / d;
    const std::size_t right =
        std::min<std::size_t>((asked.window.x + asked.window.width + d - 1) / d, rows.scaled.width);
    const std::size_t top = asked.window.y / d;
    std::vector<std::uint8_t> some(rows.window.width * bytes * portion);
    for (std::size_t y = rows.window.y; const std::size_t n = reader.read_rows(some.data(), portion);) {
      for (std::size_t i = 0; i < n; ++i, ++y) {
        if (y < top) continue;
        const auto* row = some.data() + (i * rows.window.width + left - rows.window.x) * bytes;
        outcome.pixels.insert(outcome.pixels.end(), row, row + (right - left) * bytes);
      }
    }
    reader.finish();
  } catch (const DecodeError& error) {
    outcome.error = error.what();
    outcome.pixels.clear();
  }
  return outcome;
}

}  // namespace fastbatch::test
