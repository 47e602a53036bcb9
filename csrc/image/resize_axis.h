// SPDX-License-Identifier: MIT
// One axis of a resize: the source elements and weights of each output, as in Pillow. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/resize.h"

namespace fastbatch {

enum class Filter : std::uint8_t { kNearest, kBox, kBilinear, kHamming, kBicubic, kLanczos };

struct Axis {
  enum class Kind : std::uint8_t {
    kCopy,  // output i is source first + i
    kPick,  // output i is source pick[i]; 0 if pick[i] is negative
    kTaps,  // a weighted sum; taps.start counts from `first`
  };
  Kind kind = Kind::kCopy;
  std::size_t size = 0;   // number of outputs
  std::size_t first = 0;  // the source elements used are in [first, end)
  std::size_t end = 0;
  std::vector<std::int64_t> pick;
  kernels::Taps taps;
};

// The weights before rounding: output i is the sum of weights[i * most + k] * source[start[i] + k] over k < count[i].
struct ExactTaps {
  std::vector<std::uint32_t> start;
  std::vector<std::uint32_t> count;
  std::size_t most = 0;  // the largest count
  std::vector<double> weights;
};

// As make_axis(), for filters other than kNearest; always weighted sums.
ExactTaps make_exact_taps(std::size_t in, float low, float high, std::size_t out, Filter filter, std::size_t begin,
                          std::size_t size);

// Outputs [begin, begin + size) of the `out` outputs that Pillow computes from [low, high) of `in` source elements.
// `crop`: both axes keep their scale and start on a whole pixel; Pillow then copies, with any filter.
Axis make_axis(std::size_t in, float low, float high, std::size_t out, Filter filter, bool crop, std::size_t begin,
               std::size_t size);

}  // namespace fastbatch
