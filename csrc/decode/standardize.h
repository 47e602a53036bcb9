// SPDX-License-Identifier: MIT
// Mean and standard deviation of each channel, and standardisation of samples by their own.
// The arithmetic, in float64, rows in order, each operation rounded (fastbatch.pure.sequences does the same):
//   d = x - x[0]    mean = sum(d) / n    var = sum((d - mean)^2) / n    y = (d - mean) * (1 / max(sqrt(var), 1e-8))
// Subtracting the first row makes constant channels exactly 0, and keeps small variations of large numbers precise.
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

// Mean and variance of rows in blocks: computed per block as above, with the first row of all blocks subtracted, and
// combined in order (Chan, Golub and LeVeque 1983). The rounding depends on the division into blocks.
class Moments {
 public:
  explicit Moments(std::size_t channels);  // at least 1

  // Adds every sample of `blocks` as one block. The slots hold whole rows of float64; throws std::invalid_argument
  // otherwise, and the errors of decoding.
  void add(const Decoder& blocks);

  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }  // rows
  [[nodiscard]] std::vector<double> mean() const;
  [[nodiscard]] std::vector<double> variance() const;  // divided by n

 private:
  void add_block(const double* x, std::size_t rows);

  std::size_t channels_;
  std::uint64_t n_ = 0;
  std::vector<double> origin_;  // the first row
  std::vector<double> mean_;    // minus origin_
  std::vector<double> m2_;      // sum of squared distances from the mean
  std::vector<double> sums_;    // sums of the current block
};

}  // namespace fastbatch
