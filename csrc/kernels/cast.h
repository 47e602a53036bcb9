// SPDX-License-Identifier: MIT
// Shared by the parts of convert(). cast.cpp divides a sample into runs: elements contiguous in src and in dst.
//   cast_scalar.cpp  any run, in plain C++: the definition     cast_vector.cpp  the frequent runs, on this CPU
//   transpose.cpp    pixels <-> planes
// Threads: any; nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/dtype.h"
#include "kernels/kernels.h"

namespace fastbatch::kernels {

// Scale and shift of a run's elements, repeated every `period` elements, in the type of the computation.
struct Affine {
  static constexpr std::size_t kCapacity = 256;  // elements
  static constexpr std::size_t kPadding = 64;    // zeros after the last element, so that a whole vector can be loaded
  template <typename T>
  struct Table {
    alignas(64) T scale[kCapacity + kPadding];
    alignas(64) T shift[kCapacity + kPadding];
  };
  std::size_t period = 0;  // 0: a plain cast; at most kCapacity. Number of table elements before the padding.
  bool in_f32 = false;     // which table is filled
  Table<float> f32;
  Table<double> f64;
  template <typename T>
  [[nodiscard]] const Table<T>& table() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

// Converts n elements; src and dst may be unaligned, and do not overlap.
using Run = void (*)(const std::byte* src, std::byte* dst, std::size_t n, const Affine& affine);

// Plain C++ for any pair of types.
void run_scalar(DType src_type, DType dst_type, const std::byte* src, std::byte* dst, std::size_t n,
                const Affine& affine);

// The vector run for this CPU, or nullptr if there is none for these types or "scalar" is the target.
[[nodiscard]] Run find_vector_run(DType src_type, DType dst_type, const Affine& affine);

// Pixels of three bytes -> three planes of dst_type: value * scale[c] + shift[c] in float32. Processes whole vectors
// and returns the number of pixels done; 0 without a kernel for this CPU or type.
std::size_t split_rgb(DType dst_type, const std::byte* src, std::byte* dst, std::size_t plane_bytes, std::size_t n,
                      const float* scale, const float* shift, Stores stores);

// (n_pixels, n_channels) elements of `size` bytes, pixels `pixel_bytes` apart -> planes `plane_bytes` apart; and back.
void pixels_to_planes(const std::byte* src, std::size_t pixel_bytes, std::byte* dst, std::size_t plane_bytes,
                      std::size_t n_pixels, std::size_t n_channels, std::size_t size);
void planes_to_pixels(const std::byte* src, std::size_t plane_bytes, std::byte* dst, std::size_t pixel_bytes,
                      std::size_t n_pixels, std::size_t n_channels, std::size_t size);

}  // namespace fastbatch::kernels
