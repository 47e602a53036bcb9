// SPDX-License-Identifier: MIT
// The weights of libjpeg's integer inverse DCT, in one dimension: output j < kSize / 2 is the sum of at(k, j) * input
// k, scaled by 2^kBits; output kSize - 1 - j is the same with the odd inputs negated. Threads: constants; any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

inline constexpr unsigned kFirstPassBits = 2;  // fractional bits between the passes

template <std::size_t kSize>
struct IdctWeights;

template <>
struct IdctWeights<8> {
  static constexpr unsigned kBits = 13;
  static constexpr bool uses(std::size_t) { return true; }
  static constexpr std::int32_t at(std::size_t k, std::size_t j) {
    constexpr std::int32_t kTable[8][4] = {
        {8192, 8192, 8192, 8192},     {11363, 9633, 6437, 2260},   {10703, 4433, -4433, -10703},
        {9633, -2259, -11362, -6436}, {8192, -8192, -8192, 8192},  {6437, -11362, 2261, 9633},
        {4433, -10704, 10704, -4433}, {2260, -6436, 9633, -11363},
    };
    return kTable[k][j];
  }
};

template <>
struct IdctWeights<4> {
  static constexpr unsigned kBits = 14;
  static constexpr bool uses(std::size_t k) { return k != 4; }
  static constexpr std::int32_t at(std::size_t k, std::size_t j) {
    constexpr std::int32_t kTable[8][2] = {
        {16384, 16384}, {20995, 8697},  {15137, -15137}, {7373, -17799},
        {0, 0},         {-4926, 11893}, {-6270, 6270},   {-4176, -1730},
    };
    return kTable[k][j];
  }
};

template <>
struct IdctWeights<2> {
  static constexpr unsigned kBits = 15;
  static constexpr bool uses(std::size_t k) { return k == 0 || k % 2 == 1; }
  static constexpr std::int32_t at(std::size_t k, std::size_t) {
    constexpr std::int32_t kTable[8] = {32768, 29692, 0, -10426, 0, 6967, 0, -5906};
    return kTable[k];
  }
};

}  // namespace fastbatch::kernels
