// SPDX-License-Identifier: MIT
#include "kernels/color.h"

#include <algorithm>
#include <cmath>

#include "kernels/hue.h"

namespace fastbatch::kernels {
namespace {

constexpr float kMost = 255.0F;

float clip(float x) noexcept { return std::min(std::max(x, 0.0F), kMost); }

float grey(const float* pixel) noexcept { return (0.2989F * pixel[0] + 0.587F * pixel[1]) + 0.114F * pixel[2]; }

// Replaces every colour x by f(x).
template <typename Change>
void change(const FloatImage& image, const Change& f) {
  if (image.colors == image.channels) {
    for (std::size_t i = 0; i < image.pixels * image.channels; ++i) image.data[i] = f(image.data[i]);
    return;
  }
  for (std::size_t i = 0; i < image.pixels; ++i) {
    float* const pixel = image.data + i * image.channels;
    for (std::size_t c = 0; c < image.colors; ++c) pixel[c] = f(pixel[c]);
  }
}

// A sum in a fixed order: number i is added to part i % kParts; then the parts are summed pairwise, each with the one
// half of their number further on.
class PartSums {
 public:
  static constexpr std::size_t kParts = 16;
  // Exactly kParts numbers.
  template <typename Number>
  void add(const Number& number) noexcept {
    for (std::size_t k = 0; k < kParts; ++k) parts_[k] += number(k);
  }
  [[nodiscard]] double total() noexcept {
    for (std::size_t half = kParts / 2; half > 0; half /= 2) {
      for (std::size_t k = 0; k < half; ++k) parts_[k] += parts_[k + half];
    }
    return parts_[0];
  }

 private:
  double parts_[kParts] = {};
};

// The mean of number(0) ... number(n - 1).
template <typename Number>
double mean(std::size_t n, const Number& number) {
  PartSums sum;
  std::size_t i = 0;
  for (; i + PartSums::kParts <= n; i += PartSums::kParts) sum.add([&](std::size_t k) { return number(i + k); });
  sum.add([&](std::size_t k) { return i + k < n ? number(i + k) : 0.0; });
  return sum.total() / static_cast<double>(n);
}

// The mean of f(every colour).
template <typename Of>
double mean_color(const FloatImage& image, const Of& f) {
  const std::size_t n = image.pixels * image.colors;
  if (image.colors == image.channels) return mean(n, [&](std::size_t i) { return f(image.data[i]); });
  return mean(n, [&](std::size_t i) { return f(image.data[i / image.colors * image.channels + i % image.colors]); });
}

}  // namespace

void adjust_brightness(const FloatImage& image, float factor) {
  change(image, [=](float x) { return clip(x * factor); });
}

void adjust_contrast(const FloatImage& image, float factor) {
  const double average =
      image.colors == 3
          ? mean(image.pixels,
                 [&](std::size_t i) { return static_cast<double>(grey(image.data + i * image.channels)); })
          : mean_color(image, [](float x) { return static_cast<double>(x); });
  const float other = (1.0F - factor) * static_cast<float>(average);
  change(image, [=](float x) { return clip(factor * x + other); });
}

void adjust_saturation(const FloatImage& image, float factor) {
  if (image.colors != 3) return;
  const float rest = 1.0F - factor;
  for (std::size_t i = 0; i < image.pixels; ++i) {
    float* const pixel = image.data + i * image.channels;
    const float other = rest * grey(pixel);
    for (std::size_t c = 0; c < 3; ++c) pixel[c] = clip(factor * pixel[c] + other);
  }
}

void adjust_hue(const FloatImage& image, float turn) {
  if (image.colors != 3) return;
  Planes planes{};
  for (std::size_t first = 0; first < image.pixels; first += Planes::kCapacity) {
    const std::size_t n = std::min(Planes::kCapacity, image.pixels - first);
    float* const pixels = image.data + first * image.channels;
    for (std::size_t i = 0; i < n; ++i) {
      planes.r[i] = pixels[i * image.channels];
      planes.g[i] = pixels[i * image.channels + 1];
      planes.b[i] = pixels[i * image.channels + 2];
    }
    turn_hue(planes, turn);
    for (std::size_t i = 0; i < n; ++i) {
      pixels[i * image.channels] = planes.r[i];
      pixels[i * image.channels + 1] = planes.g[i];
      pixels[i * image.channels + 2] = planes.b[i];
    }
  }
}

void shift_channels(const FloatImage& image, float shift) {
  float least = kMost;
  float most = 0;
  for (std::size_t i = 0; i < image.pixels; ++i) {
    for (std::size_t c = 0; c < image.colors; ++c) {
      const float x = image.data[i * image.channels + c];
      least = std::min(least, x);
      most = std::max(most, x);
    }
  }
  change(image, [=](float x) { return std::min(std::max(x + shift, least), most); });
}

void standardize(const FloatImage& image) {
  const double average = mean_color(image, [](float x) { return static_cast<double>(x); });
  const double variance = mean_color(image, [=](float x) {
    const double difference = static_cast<double>(x) - average;
    return difference * difference;
  });
  const auto numbers = static_cast<double>(image.pixels * image.colors);
  const auto centre = static_cast<float>(average);
  const auto deviation = static_cast<float>(std::max(std::sqrt(variance), 1 / std::sqrt(numbers)));
  change(image, [=](float x) { return (x - centre) / deviation; });
}

void round_to_bytes(const float* src, std::uint8_t* dst, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float x = clip(src[i]);
    // Adding 2^23 leaves no fraction bits: the sum is rounded half to even.
    dst[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>((x + 0x1p23F) - 0x1p23F));
  }
}

}  // namespace fastbatch::kernels
