// SPDX-License-Identifier: MIT
// Rotates the hue of a block of pixels, for adjust_hue(). Values are in 0..255.
// Threads: any; nothing here allocates.
#pragma once

#include <cstddef>

namespace fastbatch::kernels {

// A block of pixels in planes; all of the block is always computed.
struct Planes {
  static constexpr std::size_t kCapacity = 64;
  alignas(64) float r[kCapacity];
  alignas(64) float g[kCapacity];
  alignas(64) float b[kCapacity];
};

// `turn`: in turns, -1 to 1.
void turn_hue(Planes& planes, float turn);

}  // namespace fastbatch::kernels
