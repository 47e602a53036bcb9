// SPDX-License-Identifier: MIT
// What the warp kernels share. A row of dst is cut into blocks: locate() says where in src each pixel of a block comes
// from, sample() or pick() fetches it. Those in plain C++ are the definition, which every other target must equal.
#pragma once

#include "kernels/warp.h"

namespace fastbatch::kernels {

// Where one row of dst lies in src: coordinate(column) = (row_term + column * step) + offset along each axis.
struct WarpLine {
  struct Axis {
    double row_term;
    double step;
    double offset;
    double last;  // pixels - 1
    [[nodiscard]] double at(double column) const noexcept { return (row_term + column * step) + offset; }
  };
  Axis y;
  Axis x;
  double row_stride;  // elements of src
  double channels;
  int order;
  Fill fill;
  bool inside;  // no coordinate of the block is beyond the border
};

// Columns of one block.
struct WarpColumns {
  double first;
  double step;  // 1, or -1 where dst is mirrored
  std::size_t n;
};

// The four pixels around each place, and the weights of those on the right and below. With order 0 it is `start` alone.
struct WarpBlock {
  static constexpr std::size_t kCapacity = 256;
  alignas(64) std::int32_t start[kCapacity];  // element of src: the pixel above on the left
  alignas(64) std::int32_t right[kCapacity];  // from there to its right neighbour; 0 at the border
  alignas(64) std::int32_t below[kCapacity];
  alignas(64) float fraction_x[kCapacity];
  alignas(64) float fraction_y[kCapacity];
};

inline constexpr double kWildCoordinate = 0x1p52;

// warp_vector.cpp: the same on this CPU. `n_elements` is all of src, that may be read.
void locate(const WarpLine& line, const WarpColumns& columns, WarpBlock& block);
void sample(const float* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
            std::size_t n);
void sample(const std::uint8_t* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
            std::size_t n);
void pick(const float* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
          std::size_t n);
void pick(const std::uint8_t* src, std::size_t n_elements, const WarpBlock& block, std::size_t channels, float* dst,
          std::size_t n);

// Fills places [first, columns.n) of the block.
void locate_scalar(const WarpLine& line, const WarpColumns& columns, std::size_t first, WarpBlock& block);

// Pixels [first, end) of a block; dst is where the block's pixel 0 goes.
template <typename T>
void sample_scalar(const T* src, const WarpBlock& block, std::size_t channels, float* dst, std::size_t first,
                   std::size_t end) {
  for (std::size_t i = first; i < end; ++i) {
    const T* const a = src + block.start[i];
    const T* const b = a + block.right[i];
    const T* const c = a + block.below[i];
    const T* const d = c + block.right[i];
    const float fx = block.fraction_x[i];
    const float fy = block.fraction_y[i];
    for (std::size_t k = 0; k < channels; ++k) {
      const auto left = static_cast<float>(a[k]);
      const auto lower_left = static_cast<float>(c[k]);
      const float upper = left + fx * (static_cast<float>(b[k]) - left);
      const float lower = lower_left + fx * (static_cast<float>(d[k]) - lower_left);
      dst[i * channels + k] = upper + fy * (lower - upper);
    }
  }
}

template <typename T>
void pick_scalar(const T* src, const WarpBlock& block, std::size_t channels, float* dst, std::size_t first,
                 std::size_t end) {
  for (std::size_t i = first; i < end; ++i) {
    const T* const pixel = src + block.start[i];
    for (std::size_t k = 0; k < channels; ++k) dst[i * channels + k] = static_cast<float>(pixel[k]);
  }
}

}  // namespace fastbatch::kernels
