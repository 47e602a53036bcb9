// SPDX-License-Identifier: MIT
// The hue of some pixels, turned: what adjust_hue() does to each. Numbers are 0 to 255.
// Threads: any; nothing here allocates.
#pragma once

#include <cstddef>

namespace fastbatch::kernels {

// Some pixels, colour by colour; all of them are always computed.
struct Planes {
  static constexpr std::size_t kCapacity = 64;
  alignas(64) float r[kCapacity];
  alignas(64) float g[kCapacity];
  alignas(64) float b[kCapacity];
};

// By `turn` rounds, -1 to 1.
void turn_hue(Planes& planes, float turn);

}  // namespace fastbatch::kernels
