// SPDX-License-Identifier: MIT
// An affine transform of an image, as scipy.ndimage.affine_transform does it channel by channel with order 0 or 1.
// Coordinates are computed in float64 in SciPy's order, so that the nearest pixel is the same one, ties included;
// interpolation is in float32. Every target gives the bytes of the plain C++ in warp_scalar.cpp.
// Threads: any; nothing here allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

// The values beyond the border; names as in SciPy.
enum class Fill : std::uint8_t {
  kNearest,   // a a a | a b c d | d d d
  kConstant,  // k k k | a b c d | k k k, from the centre of the last pixel on
  kReflect,   // c b a | a b c d | d c b
  kWrap,      // b c d | a b c d | b c d; a and d coincide: the period is n - 1
};

// Pixel (row, column) of dst is src at matrix * (row, column) + offset; the matrix is row-major.
// Flips mirror dst afterwards.
struct Warp {
  std::size_t height = 0;  // of src and of dst
  std::size_t width = 0;
  std::size_t channels = 1;  // interleaved; 3 and 4 are fastest
  std::array<double, 4> matrix{1, 0, 0, 1};
  std::array<double, 2> offset{};
  int order = 1;  // 0: the nearest pixel; 1: linear
  Fill fill = Fill::kNearest;
  float fill_value = 0;  // for kConstant
  bool flip_rows = false;
  bool flip_columns = false;
};

// src and dst do not overlap. Coordinates beyond 2^52 are outside for kConstant, and 0 for kReflect and kWrap. Throws
// std::invalid_argument for an image of 2^31 elements or more.
void warp(const Warp& warp, const float* src, float* dst);
void warp(const Warp& warp, const std::uint8_t* src, float* dst);

}  // namespace fastbatch::kernels
