// SPDX-License-Identifier: MIT
#include "image/change.h"

#include <algorithm>
#include <type_traits>
#include <vector>

namespace fastbatch {
namespace {

void mirror(const std::uint8_t* row, std::size_t width, std::size_t channels, std::uint8_t* dst) {
  const std::uint8_t* pixel = row + width * channels;
  for (std::size_t x = 0; x < width; ++x) {
    pixel -= channels;
    for (std::size_t k = 0; k < channels; ++k) *dst++ = pixel[k];
  }
}

// dst = src, mirrored by the flips of the warp.
void copy_mirrored(const ImageChange& change, const float* src, float* dst) {
  const kernels::Warp& warp = change.warp;
  const std::size_t row = warp.width * warp.channels;
  for (std::size_t y = 0; y < warp.height; ++y, dst += row) {
    const float* line = src + (warp.flip_rows ? warp.height - 1 - y : y) * row;
    if (!warp.flip_columns) {
      std::copy_n(line, row, dst);
      continue;
    }
    for (std::size_t x = 0; x < warp.width; ++x) {
      std::copy_n(line + (warp.width - 1 - x) * warp.channels, warp.channels, dst + x * warp.channels);
    }
  }
}

void copy_mirrored(const ImageChange& change, const std::uint8_t* src, float* dst) {
  const kernels::Warp& warp = change.warp;
  const auto convert = [&](const std::uint8_t* pixels, float* to, std::size_t n) {
    kernels::convert(*change.convert, reinterpret_cast<const std::byte*>(pixels), reinterpret_cast<std::byte*>(to), n);
  };
  if (!warp.flip_rows && !warp.flip_columns) return convert(src, dst, warp.height * warp.width);
  const std::size_t row = warp.width * warp.channels;
  std::vector<std::uint8_t> mirrored(row);
  for (std::size_t y = 0; y < warp.height; ++y, dst += row) {
    const std::uint8_t* line = src + (warp.flip_rows ? warp.height - 1 - y : y) * row;
    if (warp.flip_columns) {
      mirror(line, warp.width, warp.channels, mirrored.data());
      line = mirrored.data();
    }
    convert(line, dst, warp.width);
  }
}

template <typename T>
void change_any(const ImageChange& change, const T* src, float* dst) {
  const kernels::Warp& warp = change.warp;
  const std::size_t n = warp.height * warp.width * warp.channels;
  if (n == 0) return;
  if (change.moves) {
    kernels::warp(warp, src, dst);
  } else {
    copy_mirrored(change, src, dst);
    if (std::is_same_v<T, std::uint8_t> && !change.convert->scale.empty()) return;
  }
  float* const end = dst + n;
  if (change.has_shift) {
    const auto [least, greatest] = std::minmax_element(dst, end);
    const float low = *least;
    const float high = *greatest;
    const float shift = change.shift;
    std::transform(dst, end, dst, [=](float value) { return std::min(std::max(value + shift, low), high); });
  }
  const float scale = change.scale;
  if (change.brightness != nullptr) {
    const float* const bright = change.brightness;
    std::transform(dst, end, dst, [=](float value) { return bright[static_cast<int>(value) & 255] * scale; });
  } else if (scale != 1) {
    std::transform(dst, end, dst, [=](float value) { return value * scale; });
  }
}

}  // namespace

void change(const ImageChange& change, const float* src, float* dst) { change_any(change, src, dst); }
void change(const ImageChange& change, const std::uint8_t* src, float* dst) { change_any(change, src, dst); }

}  // namespace fastbatch
