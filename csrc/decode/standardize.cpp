// SPDX-License-Identifier: MIT
#include "decode/standardize.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace fastbatch {

namespace {

constexpr std::size_t kLanes = 8;  // channels per group, whose sums stay in registers

// Calls body(first, count) for groups of channels. `count` of whole groups is a compile-time constant.
template <typename Body>
void for_groups(std::size_t channels, const Body& body) {
  std::size_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body.template operator()<kLanes>(c);
  for (; c < channels; ++c) body.template operator()<1>(c);
}

// sums[c] = sum over the rows of x - origin; below, of its squared distance from the mean.
void sum_distances(const double* x, std::size_t rows, std::size_t channels, const double* origin, double* sums) {
  for_groups(channels, [&]<std::size_t kCount>(std::size_t first) {
    double sum[kCount] = {};
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < kCount; ++c) sum[c] += x[r * channels + first + c] - origin[first + c];
    std::copy_n(sum, kCount, sums + first);
  });
}

void sum_squares(const double* x, std::size_t rows, std::size_t channels, const double* origin, const double* mean,
                 double* sums) {
  for_groups(channels, [&]<std::size_t kCount>(std::size_t first) {
    double sum[kCount] = {};
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < kCount; ++c) {
        const double distance = (x[r * channels + first + c] - origin[first + c]) - mean[first + c];
        sum[c] += distance * distance;
      }
    }
    std::copy_n(sum, kCount, sums + first);
  });
}

template <typename T>
void scale_to(const double* x, std::size_t rows, std::size_t channels, const double* mean, const double* scale,
              T* dst) {
  for_groups(channels, [&]<std::size_t kCount>(std::size_t first) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = first; c < first + kCount; ++c)
        dst[r * channels + c] = static_cast<T>(((x[r * channels + c] - x[c]) - mean[c]) * scale[c]);
    }
  });
}

}  // namespace

void standardize(const double* x, std::size_t rows, std::size_t channels, double* sums, DType dst_type,
                 std::byte* dst) {
  if (rows == 0 || channels == 0) return;
  double* mean = sums;
  double* scale = sums + channels;
  sum_distances(x, rows, channels, x, mean);
  for (std::size_t c = 0; c < channels; ++c) mean[c] /= static_cast<double>(rows);
  sum_squares(x, rows, channels, x, mean, scale);
  for (std::size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(scale[c] / static_cast<double>(rows));
    scale[c] = 1.0 / (deviation < kStdFloor ? kStdFloor : deviation);  // NaN is kept
  }
  if (dst_type == DType::kF32) {
    scale_to(x, rows, channels, mean, scale, reinterpret_cast<float*>(dst));
  } else {
    scale_to(x, rows, channels, mean, scale, reinterpret_cast<double*>(dst));
  }
}

Moments::Moments(std::size_t channels)
    : channels_(channels), origin_(channels), mean_(channels), m2_(channels), sums_(2 * channels) {
  if (channels == 0) throw std::invalid_argument("expected at least 1 channel, found 0");
}

void Moments::add(const Decoder& blocks) {
  const std::size_t row_bytes = channels_ * sizeof(double);
  if (blocks.slot_bytes() % row_bytes != 0)
    throw std::invalid_argument("expected blocks of rows of " + std::to_string(row_bytes) + " bytes, found " +
                                std::to_string(blocks.slot_bytes()));
  const std::size_t rows = blocks.slot_bytes() / row_bytes;
  std::vector<double> x(rows * channels_);
  const auto workspace = blocks.workspace();
  for (std::uint64_t i = 0; i < blocks.size(); ++i) {
    std::size_t failed_at = 0;
    blocks.decode({&i, 1}, {}, reinterpret_cast<std::byte*>(x.data()), *workspace, failed_at);
    add_block(x.data(), rows);
  }
}

void Moments::add_block(const double* x, std::size_t rows) {
  if (rows == 0) return;
  if (n_ == 0) std::copy_n(x, channels_, origin_.begin());
  double* mean = sums_.data();
  double* squares = mean + channels_;
  const auto n = static_cast<double>(rows);
  sum_distances(x, rows, channels_, origin_.data(), mean);
  for (std::size_t c = 0; c < channels_; ++c) mean[c] /= n;
  sum_squares(x, rows, channels_, origin_.data(), mean, squares);
  const auto before = static_cast<double>(n_);
  const double all = before + n;
  for (std::size_t c = 0; c < channels_; ++c) {
    const double step = mean[c] - mean_[c];
    mean_[c] += step * (n / all);
    m2_[c] += squares[c] + (step * step) * (before * n / all);
  }
  n_ += rows;
}

std::vector<double> Moments::mean() const {
  std::vector<double> mean(channels_);
  for (std::size_t c = 0; c < channels_; ++c) mean[c] = origin_[c] + mean_[c];
  return mean;
}

std::vector<double> Moments::variance() const {
  std::vector<double> variance(channels_);
  for (std::size_t c = 0; c < channels_; ++c) variance[c] = m2_[c] / static_cast<double>(n_);
  return variance;
}

}  // namespace fastbatch
