// SPDX-License-Identifier: MIT
#include "image/pillow_affine.h"

#include <algorithm>
#include <cmath>

namespace fastbatch {
namespace {

constexpr double kFixedRange = 32'768;  // of coordinates in 16.16 fixed point

struct Pixels {
  const std::uint8_t* data;
  std::int64_t width, height;
  std::size_t channels;

  [[nodiscard]] bool has(std::int64_t x, std::int64_t y) const { return x >= 0 && x < width && y >= 0 && y < height; }
  [[nodiscard]] const std::uint8_t* at(std::int64_t x, std::int64_t y) const {
    return data + static_cast<std::size_t>(y * width + x) * channels;
  }
};

// The pixel that a coordinate lies in; -1 on the left of the first one. Far outside, any number outside.
std::int64_t pixel_of(double v) {
  if (!(v >= 0)) return -1;
  return v < 2e9 ? static_cast<std::int64_t>(v) : std::int64_t{2'000'000'000};
}

// Calls copy(x, y of the source) for each pixel of the result, row by row, with Pillow's arithmetic for this matrix.
template <typename Copy>
void for_each_nearest(const std::array<double, 6>& m, std::int64_t width, std::int64_t height, const Copy& copy) {
  if (m[1] == 0 && m[3] == 0) {  // scales each axis on its own
    double y = m[5] + m[4] * 0.5;
    for (std::int64_t row = 0; row < height; ++row, y += m[4]) {
      double x = m[2] + m[0] * 0.5;
      for (std::int64_t column = 0; column < width; ++column, x += m[0]) copy(pixel_of(x), pixel_of(y));
    }
    return;
  }
  const auto is_fixed = [&](std::int64_t i, std::int64_t j) {
    const auto x = static_cast<double>(i);
    const auto y = static_cast<double>(j);
    return std::fabs(x * m[0] + y * m[1] + m[2]) < kFixedRange && std::fabs(x * m[3] + y * m[4] + m[5]) < kFixedRange;
  };
  if (is_fixed(0, 0) && is_fixed(width, height) && is_fixed(0, height) && is_fixed(width, 0)) {
    const auto fixed = [](double v) { return static_cast<std::int64_t>(std::floor(v * 65536.0 + 0.5)); };
    std::int64_t x0 = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
    std::int64_t y0 = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
    for (std::int64_t row = 0; row < height; ++row, x0 += fixed(m[1]), y0 += fixed(m[4])) {
      std::int64_t x = x0;
      std::int64_t y = y0;
      for (std::int64_t column = 0; column < width; ++column, x += fixed(m[0]), y += fixed(m[3])) {
        copy(x >> 16, y >> 16);
      }
    }
    return;
  }
  double x0 = m[2] + m[1] * 0.5 + m[0] * 0.5;
  double y0 = m[5] + m[4] * 0.5 + m[3] * 0.5;
  for (std::int64_t row = 0; row < height; ++row, x0 += m[1], y0 += m[4]) {
    double x = x0;
    double y = y0;
    for (std::int64_t column = 0; column < width; ++column, x += m[0], y += m[3]) copy(pixel_of(x), pixel_of(y));
  }
}

// Writes the pixel between those around (x, y); nothing if that is outside.
void pick_bilinear(const Pixels& source, double x, double y, std::uint8_t* out) {
  if (!(x >= 0 && x < static_cast<double>(source.width) && y >= 0 && y < static_cast<double>(source.height))) return;
  x -= 0.5;
  y -= 0.5;
  const auto left = static_cast<std::int64_t>(std::floor(x));
  const auto top = static_cast<std::int64_t>(std::floor(y));
  const double dx = x - static_cast<double>(left);
  const double dy = y - static_cast<double>(top);
  const std::int64_t x0 = std::clamp<std::int64_t>(left, 0, source.width - 1);
  const std::int64_t x1 = std::clamp<std::int64_t>(left + 1, 0, source.width - 1);
  const std::int64_t y0 = std::clamp<std::int64_t>(top, 0, source.height - 1);
  const bool has_below = top + 1 >= 0 && top + 1 < source.height;
  for (std::size_t c = 0; c < source.channels; ++c) {
    const auto between = [&](std::int64_t row) {
      const double a = source.at(x0, row)[c];
      return a + (source.at(x1, row)[c] - a) * dx;
    };
    const double upper = between(y0);
    const double lower = has_below ? between(top + 1) : upper;
    out[c] = static_cast<std::uint8_t>(upper + (lower - upper) * dy);
  }
}

}  // namespace

void transform_affine(const PillowAffine& affine, ImageSize size, std::size_t channels, const std::uint8_t* src,
                      std::uint8_t* dst) {
  const Pixels source{src, size.width, size.height, channels};
  for (std::size_t i = 0; i < size.pixels(); ++i) std::copy_n(affine.fill.data(), channels, dst + i * channels);
  if (!affine.bilinear) {
    for_each_nearest(affine.matrix, source.width, source.height, [&](std::int64_t x, std::int64_t y) {
      if (source.has(x, y)) std::copy_n(source.at(x, y), channels, dst);
      dst += channels;
    });
    return;
  }
  const auto& m = affine.matrix;
  for (std::int64_t row = 0; row < source.height; ++row) {
    for (std::int64_t column = 0; column < source.width; ++column, dst += channels) {
      const double x = static_cast<double>(column) + 0.5;
      const double y = static_cast<double>(row) + 0.5;
      pick_bilinear(source, m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5], dst);
    }
  }
}

}  // namespace fastbatch
