// SPDX-License-Identifier: MIT
#include "image/pixel_table.h"

#include <cstring>
#include <stdexcept>

namespace fastbatch {
namespace {

constexpr std::size_t kValues = 256;

template <typename Element>
void look_up(const Element* table, std::size_t channels, const std::uint8_t* pixels, std::size_t n, bool planes,
             Element* out) {
  if (channels == 1) {
    for (std::size_t i = 0; i < n; ++i) out[i] = table[pixels[i]];
  } else if (channels == 3 && planes) {
    for (std::size_t i = 0; i < n; ++i) {  // one pass: the pixels are read once
      out[i] = table[pixels[3 * i]];
      out[n + i] = table[kValues + pixels[3 * i + 1]];
      out[2 * n + i] = table[2 * kValues + pixels[3 * i + 2]];
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t c = 0; c < channels; ++c)
        out[planes ? c * n + i : i * channels + c] = table[c * kValues + pixels[i * channels + c]];
    }
  }
}

}  // namespace

PixelTable::PixelTable(std::size_t channels, std::size_t itemsize, std::span<const std::byte> elements)
    : channels_(channels), itemsize_(itemsize) {
  if (channels == 0 || channels > 4) throw std::invalid_argument("table: expected 1 to 4 channels");
  if (itemsize != 1 && itemsize != 2 && itemsize != 4 && itemsize != 8)
    throw std::invalid_argument("table: expected elements of 1, 2, 4 or 8 bytes");
  if (elements.size() != channels * kValues * itemsize)
    throw std::invalid_argument("table: expected 256 elements for each channel");
  memory_.resize((elements.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  std::memcpy(memory_.data(), elements.data(), elements.size());
}

void PixelTable::apply(const std::uint8_t* pixels, std::size_t n_pixels, bool planes, std::byte* out) const {
  const auto run = [&]<typename Element>(Element* elements) {
    look_up(reinterpret_cast<const Element*>(memory_.data()), channels_, pixels, n_pixels, planes, elements);
  };
  switch (itemsize_) {
    case 1: run(reinterpret_cast<std::uint8_t*>(out)); break;
    case 2: run(reinterpret_cast<std::uint16_t*>(out)); break;
    case 4: run(reinterpret_cast<std::uint32_t*>(out)); break;
    default: run(reinterpret_cast<std::uint64_t*>(out));
  }
}

void fill_rectangle(const Window& window, ImageSize size, std::size_t channels, std::size_t itemsize, bool planes,
                    const std::byte* elements, std::byte* out) {
  for (std::size_t y = window.y; y < window.y + window.height; ++y) {
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t x = window.x; x < window.x + window.width; ++x) {
        const std::size_t pixel = y * size.width + x;
        const std::size_t at = planes ? c * size.pixels() + pixel : pixel * channels + c;
        std::memcpy(out + at * itemsize, elements + c * itemsize, itemsize);
      }
    }
  }
}

}  // namespace fastbatch
