// SPDX-License-Identifier: MIT
// Pillow's arithmetic, verified by comparison: the box is float32, weights are normalised in float64, then rounded half
// away from zero to 22 bits; NEAREST accumulates the scale instead of multiplying.
#include "image/resize_axis.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fastbatch {
namespace {

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (static_cast<double>(0.54F) + static_cast<double>(0.46F) * std::cos(x));
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

// The weights of one output, whose sum is 1 unless all are 0. kWeight is a template parameter so that it is inlined:
// random crops need new weights for every image.
template <double (*kWeight)(double)>
void weigh(std::size_t start, std::size_t count, double center, double step, double* weights) {
  double sum = 0.0;
  for (std::size_t k = 0; k < count; ++k) {
    weights[k] = kWeight((static_cast<double>(static_cast<std::int64_t>(k + start)) - center + 0.5) * step);
    sum += weights[k];
  }
  if (sum == 0.0) return;
  for (std::size_t k = 0; k < count; ++k) weights[k] /= sum;
}

struct Kernel {
  void (*weigh)(std::size_t start, std::size_t count, double center, double step, double* weights);
  double support;
};

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::kNearest: break;
    case Filter::kBox: return {weigh<box>, 0.5};
    case Filter::kBilinear: return {weigh<bilinear>, 1.0};
    case Filter::kHamming: return {weigh<hamming>, 1.0};
    case Filter::kBicubic: return {weigh<bicubic>, 2.0};
    case Filter::kLanczos: return {weigh<lanczos>, 3.0};
  }
  return {weigh<box>, 0.5};
}

std::int32_t to_fixed(double weight) {
  return static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kernels::kWeightBits));
}

void make_taps(Axis& axis, std::size_t in, float low, float high, std::size_t out, Filter filter, std::size_t begin) {
  const ExactTaps exact = make_exact_taps(in, low, high, out, filter, begin, axis.size);
  kernels::Taps& taps = axis.taps;
  taps.start = exact.start;
  taps.count = exact.count;
  taps.most = exact.most;
  taps.stride = (taps.most + 3) / 4 * 4;
  taps.weights.assign(axis.size * taps.stride, 0);
  for (std::size_t i = 0; i < axis.size; ++i) {
    const double* const weights = exact.weights.data() + i * exact.most;
    std::int32_t* const fixed = taps.weights.data() + i * taps.stride;
    for (std::size_t k = 0; k < exact.count[i]; ++k) fixed[k] = to_fixed(weights[k]);
  }
}

// Sets `first` to the first element used, so that only the used part of a row is needed.
void rebase(Axis& axis, std::size_t in) {
  kernels::Taps& taps = axis.taps;
  axis.first = in;
  axis.end = 0;
  for (std::size_t i = 0; i < axis.size; ++i) {
    axis.first = std::min<std::size_t>(axis.first, taps.start[i]);
    axis.end = std::max<std::size_t>(axis.end, taps.start[i] + taps.count[i]);
  }
  axis.end = std::max(axis.end, axis.first);
  for (std::uint32_t& start : taps.start) start -= static_cast<std::uint32_t>(axis.first);
}

void make_picks(Axis& axis, std::size_t in, float low, float high, std::size_t out, std::size_t begin) {
  const double scale = static_cast<double>(high - low) / static_cast<double>(out);
  double at = static_cast<double>(low) + scale * 0.5;
  axis.pick.reserve(axis.size);
  axis.first = in;
  for (std::size_t i = 0; i < begin + axis.size; ++i, at += scale) {
    if (i < begin) continue;
    const bool inside = at >= 0.0 && at < static_cast<double>(in);
    const auto index = static_cast<std::size_t>(inside ? at : 0.0);
    axis.pick.push_back(inside ? static_cast<std::int64_t>(index) : -1);
    if (!inside) continue;
    axis.first = std::min(axis.first, index);
    axis.end = std::max(axis.end, index + 1);
  }
  axis.first = std::min(axis.first, axis.end);
}

}  // namespace

ExactTaps make_exact_taps(std::size_t in, float low, float high, std::size_t out, Filter filter, std::size_t begin,
                          std::size_t size) {
  const Kernel kernel = kernel_of(filter);
  const double scale = static_cast<double>(high - low) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = kernel.support * filter_scale;
  const double step = 1.0 / filter_scale;
  const auto limit = static_cast<std::int64_t>(in);
  const auto center_of = [&](std::size_t i) {
    return static_cast<double>(low) + (static_cast<double>(begin + i) + 0.5) * scale;
  };

  ExactTaps taps;
  taps.start.resize(size);
  taps.count.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double center = center_of(i);
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + 0.5), 0);
    const auto end = std::min(static_cast<std::int64_t>(center + support + 0.5), limit);
    taps.start[i] = static_cast<std::uint32_t>(std::min(first, limit));
    taps.count[i] = static_cast<std::uint32_t>(std::max<std::int64_t>(end - first, 0));
    taps.most = std::max<std::size_t>(taps.most, taps.count[i]);
  }
  taps.weights.assign(size * taps.most, 0.0);
  for (std::size_t i = 0; i < size; ++i) {
    kernel.weigh(taps.start[i], taps.count[i], center_of(i), step, taps.weights.data() + i * taps.most);
  }
  return taps;
}

Axis make_axis(std::size_t in, float low, float high, std::size_t out, Filter filter, bool crop, std::size_t begin,
               std::size_t size) {
  Axis axis;
  axis.size = size;
  const bool whole = in == out && low == 0.0F && high == static_cast<float>(out);
  if (crop || (whole && filter != Filter::kNearest)) {
    axis.first = static_cast<std::size_t>(low) + begin;
    axis.end = axis.first + size;
  } else if (filter == Filter::kNearest) {
    axis.kind = Axis::Kind::kPick;
    make_picks(axis, in, low, high, out, begin);
  } else {
    axis.kind = Axis::Kind::kTaps;
    make_taps(axis, in, low, high, out, filter, begin);
    rebase(axis, in);
    kernels::pack(axis.taps, kernels::weight_layouts().front());
  }
  return axis;
}

}  // namespace fastbatch
