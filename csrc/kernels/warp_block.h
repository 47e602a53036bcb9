// SPDX-License-Identifier: MIT
// Shared by the warp kernels. A row of dst is divided into blocks: locate...() computes the source coordinates of each
// pixel of a block, sample...() or pick() fetches it. The plain C++ is the reference for all other targets.
// Threads: any.
#pragma once

#include "kernels/warp.h"

namespace fastbatch::kernels {

// The coordinates of one row of dst along one axis of src: at(column), in pixels.
struct WarpAxis {
  double row_term;
  double step;
  double offset;
  double last;  // pixels - 1
  [[nodiscard]] double at(double column) const noexcept { return (row_term + column * step) + offset; }
};

struct WarpLine {
  WarpAxis y;
  WarpAxis x;
  std::int32_t row_stride;  // elements of src
  std::int32_t channels;
  int order;
  Fill fill;
};

// Columns of one block: first, first + step, ...
struct WarpColumns {
  std::int64_t first;
  std::int64_t step;  // 1, or -1 if dst is mirrored
  std::size_t n;
};

// The four pixels around each coordinate, and the weights of the right and the lower ones.
struct WarpBlock {
  static constexpr std::size_t kCapacity = 256;
  alignas(64) std::int32_t start[kCapacity];  // element of src: the upper left pixel
  alignas(64) std::int32_t right[kCapacity];  // offset to its right neighbour; 0 at the border
  alignas(64) std::int32_t below[kCapacity];
  alignas(64) float fraction_x[kCapacity];
  alignas(64) float fraction_y[kCapacity];
};

// Coordinates of this magnitude or above are replaced by 0, except for kConstant.
inline constexpr double kWildCoordinate = 0x1p52;

// Inside the image, at least kInnerMargin from its border, linear interpolation uses fixed point: the coordinate of
// column 0 and the step per column are rounded to multiples of 2^-32 pixels. The error is below the margin for rows of
// up to kInnerWidth columns and coordinates below kInnerCoordinate.
inline constexpr int kFixedBits = 32;
inline constexpr double kInnerMargin = 0x1p-16;
inline constexpr double kInnerCoordinate = 0x1p30;
inline constexpr std::size_t kInnerWidth = std::size_t{1} << 16U;

struct FixedAxis {
  std::int64_t first;  // coordinate of the block's first column
  std::int64_t step;   // difference per column of the block
};
FixedAxis to_fixed(const WarpAxis& axis, const WarpColumns& columns) noexcept;

// Any coordinates; also beyond the border if `inside` is false. With order 0, only `start` is set.
void locate(const WarpLine& line, const WarpColumns& columns, bool inside, WarpBlock& block);
void locate_scalar(const WarpLine& line, const WarpColumns& columns, bool inside, std::size_t first, WarpBlock& block);

// Coordinates within the margin, for order 1: sets start and fractions.
void locate_inner(const WarpLine& line, const WarpColumns& columns, WarpBlock& block);
void locate_inner_scalar(const WarpLine& line, const FixedAxis& y, const FixedAxis& x, std::size_t first,
                         std::size_t end, WarpBlock& block);

// The source image, of float or std::uint8_t, and its readable size.
template <typename T>
struct WarpSource {
  const T* data;
  std::size_t size;  // elements
};

// Fetch the n pixels of a block.
void sample(WarpSource<float> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n);
void sample(WarpSource<std::uint8_t> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n);
void sample_inner(WarpSource<float> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n);
void sample_inner(WarpSource<std::uint8_t> src, const WarpLine& line, const WarpBlock& block, float* dst,
                  std::size_t n);
void pick(WarpSource<float> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n);
void pick(WarpSource<std::uint8_t> src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t n);

// Bilinear interpolation of one pixel: first vertically, then horizontally.
template <typename T>
void mix_pixel(const T* src, std::ptrdiff_t right, std::ptrdiff_t below, float fraction_x, float fraction_y,
               std::size_t channels, float* dst) {
  const T* const lower = src + below;
  for (std::size_t k = 0; k < channels; ++k) {
    const auto upper_left = static_cast<float>(src[k]);
    const auto upper_right = static_cast<float>(src[k + static_cast<std::size_t>(right)]);
    const float lower_left = static_cast<float>(lower[k]);
    const float lower_right = static_cast<float>(lower[k + static_cast<std::size_t>(right)]);
    const float on_left = upper_left + fraction_y * (lower_left - upper_left);
    const float on_right = upper_right + fraction_y * (lower_right - upper_right);
    dst[k] = on_left + fraction_x * (on_right - on_left);
  }
}

// Pixels [first, end) of a block; dst: the place of the block's pixel 0.
template <typename T>
void sample_scalar(const T* src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t first,
                   std::size_t end) {
  const auto channels = static_cast<std::size_t>(line.channels);
  for (std::size_t i = first; i < end; ++i) {
    mix_pixel(src + block.start[i], block.right[i], block.below[i], block.fraction_x[i], block.fraction_y[i], channels,
              dst + i * channels);
  }
}

template <typename T>
void sample_inner_scalar(const T* src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t first,
                         std::size_t end) {
  const auto channels = static_cast<std::size_t>(line.channels);
  for (std::size_t i = first; i < end; ++i) {
    mix_pixel(src + block.start[i], line.channels, line.row_stride, block.fraction_x[i], block.fraction_y[i], channels,
              dst + i * channels);
  }
}

template <typename T>
void pick_scalar(const T* src, const WarpLine& line, const WarpBlock& block, float* dst, std::size_t first,
                 std::size_t end) {
  const auto channels = static_cast<std::size_t>(line.channels);
  for (std::size_t i = first; i < end; ++i) {
    const T* const pixel = src + block.start[i];
    for (std::size_t k = 0; k < channels; ++k) dst[i * channels + k] = static_cast<float>(pixel[k]);
  }
}

}  // namespace fastbatch::kernels
