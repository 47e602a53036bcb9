// SPDX-License-Identifier: MIT
// Writes PNG files for the tests: any kind, any filters, any cut of the compressed data.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "codecs/png_rows.h"

namespace fastbatch::test {

using Bytes = std::vector<std::byte>;

struct PngKind {
  unsigned depth = 8;
  unsigned color = 2;
  bool interlaced = false;
  std::size_t piece = SIZE_MAX;  // bytes of the compressed data in a chunk

  [[nodiscard]] unsigned bits() const { return depth * (color == 2 ? 3U : color == 4 ? 2U : color == 6 ? 4U : 1U); }
};

inline void append_big(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::byte>(value >> static_cast<unsigned>(shift)));
}

inline Bytes png_chunk(std::string_view type, const Bytes& data) {
  Bytes chunk;
  append_big(chunk, static_cast<std::uint32_t>(data.size()));
  for (const char letter : type) chunk.push_back(static_cast<std::byte>(letter));
  chunk.insert(chunk.end(), data.begin(), data.end());
  const auto* checked = reinterpret_cast<const Bytef*>(chunk.data() + 4);
  append_big(chunk, static_cast<std::uint32_t>(crc32(0, checked, static_cast<uInt>(chunk.size() - 4))));
  return chunk;
}

inline Bytes png_signature() {
  Bytes bytes;
  for (const unsigned value : {0x89U, 0x50U, 0x4EU, 0x47U, 0x0DU, 0x0AU, 0x1AU, 0x0AU})
    bytes.push_back(std::byte(value));
  return bytes;
}

inline void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

inline Bytes png_header(std::uint32_t width, std::uint32_t height, const PngKind& kind) {
  Bytes data;
  append_big(data, width);
  append_big(data, height);
  for (const unsigned value : {kind.depth, kind.color, 0U, 0U, kind.interlaced ? 1U : 0U})
    data.push_back(std::byte(value));
  return png_chunk("IHDR", data);
}

// Rows of noise under filters of noise, as they stand before compression.
inline Bytes png_rows(ImageSize size, const PngKind& kind, std::uint64_t seed) {
  Bytes rows;
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
  const auto noise = [&] {
    return static_cast<unsigned>((state = state * 6364136223846793005U + 1442695040888963407U) >> 56U);
  };
  for (const PngPass& pass : png_passes(size, kind.interlaced)) {
    for (std::uint32_t y = 0; pass.size.width != 0 && y < pass.size.height; ++y) {
      rows.push_back(std::byte(noise() % 5));
      for (std::size_t i = 0; i < pass.row_bytes(kind.bits()); ++i) rows.push_back(std::byte(noise()));
    }
  }
  return rows;
}

inline Bytes deflated(const Bytes& rows) {
  uLongf n = compressBound(static_cast<uLong>(rows.size()));
  Bytes data(n);
  compress2(reinterpret_cast<Bytef*>(data.data()), &n, reinterpret_cast<const Bytef*>(rows.data()),
            static_cast<uLong>(rows.size()), 6);
  data.resize(n);
  return data;
}

inline Bytes png_file(ImageSize size, const PngKind& kind, const Bytes& compressed, const Bytes& before_pixels = {}) {
  Bytes file = png_signature();
  append(file, png_header(size.width, size.height, kind));
  append(file, before_pixels);
  for (std::size_t at = 0; at < compressed.size(); at += std::min(kind.piece, compressed.size() - at)) {
    const auto begin = compressed.begin() + static_cast<std::ptrdiff_t>(at);
    append(file,
           png_chunk("IDAT",
                     Bytes(begin, begin + static_cast<std::ptrdiff_t>(std::min(kind.piece, compressed.size() - at)))));
  }
  append(file, png_chunk("IEND", {}));
  return file;
}

inline Bytes write_png(ImageSize size, const PngKind& kind, std::uint64_t seed = 1) {
  return png_file(size, kind, deflated(png_rows(size, kind, seed)));
}

}  // namespace fastbatch::test
