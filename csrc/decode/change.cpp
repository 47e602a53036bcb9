// SPDX-License-Identifier: MIT
#include "decode/change.h"

#include <algorithm>

namespace fastbatch {
namespace {

// dst = src, mirrored as the warp says.
template <typename T>
void copy_mirrored(const kernels::Warp& warp, const T* src, float* dst) {
  const std::size_t row = warp.width * warp.channels;
  for (std::size_t y = 0; y < warp.height; ++y, dst += row) {
    const T* line = src + (warp.flip_rows ? warp.height - 1 - y : y) * row;
    if (!warp.flip_columns) {
      std::transform(line, line + row, dst, [](T value) { return static_cast<float>(value); });
    } else if (warp.channels == 3) {
      const T* pixel = line + row;
      for (float* to = dst; to != dst + row; to += 3) {
        pixel -= 3;
        to[0] = static_cast<float>(pixel[0]);
        to[1] = static_cast<float>(pixel[1]);
        to[2] = static_cast<float>(pixel[2]);
      }
    } else {
      for (std::size_t x = 0; x < warp.width; ++x) {
        std::transform(line + (warp.width - 1 - x) * warp.channels, line + (warp.width - x) * warp.channels,
                       dst + x * warp.channels, [](T value) { return static_cast<float>(value); });
      }
    }
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
    copy_mirrored(warp, src, dst);
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
