// SPDX-License-Identifier: MIT
// Mean and standard deviation of each channel, and samples standardised by their own.
// The arithmetic, in float64, rows in order, each operation rounded (fastbatch.pure.sequences is the same in Python):
//   d = x - x[0]    mean = sum(d) / n    var = sum((d - mean)^2) / n    y = (d - mean) * (1 / max(sqrt(var), 1e-8))
// Taking the first row away makes a constant channel exactly 0, and keeps what varies little around a large number.
// Threads: functions any; a Moments one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/dtype.h"
#include "decode/decoder.h"

namespace fastbatch {

inline constexpr double kStdFloor = 1e-8;

// dst[rows][channels], float32 or float64, is `x` standardised. `sums` has room for 2 * channels numbers.
void standardize(const double* x, std::size_t rows, std::size_t channels, double* sums, DType dst_type, std::byte* dst);

// Mean and variance of rows that come in blocks: each block by itself as above, with the first row of all taken away;
// then combined in order (Chan, Golub and LeVeque 1983). The blocks decide the roundings.
class Moments {
 public:
  explicit Moments(std::size_t channels);  // at least 1

  // Adds every sample of `blocks` as one block. Its slots hold whole rows of float64; throws std::invalid_argument when
  // they do not, and what decoding throws.
  void add(const Decoder& blocks);

  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }  // rows
  [[nodiscard]] std::vector<double> mean() const;
  [[nodiscard]] std::vector<double> variance() const;  // divided by n

 private:
  void add_block(const double* x, std::size_t rows);

  std::size_t channels_;
  std::uint64_t n_ = 0;
  std::vector<double> origin_;  // the first row
  std::vector<double> mean_;    // less origin_
  std::vector<double> m2_;      // sum of squared distances from the mean
  std::vector<double> sums_;    // of the block at work
};

}  // namespace fastbatch
