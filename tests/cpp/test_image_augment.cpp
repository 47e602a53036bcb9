// SPDX-License-Identifier: MIT
// Augmentations in the core: what is refused, what is left alone, and that nothing outside the image is written.
#include "image/augment.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "image/affine.h"

using namespace fastbatch;

namespace {

std::vector<std::uint8_t> picture(std::size_t n) {
  std::vector<std::uint8_t> pixels(n);
  for (std::size_t i = 0; i < n; ++i) pixels[i] = static_cast<std::uint8_t>(i * i % 251);
  return pixels;
}

std::vector<float> apply(const AugmentOptions& options, std::size_t channels, std::uint64_t index) {
  const std::vector<std::uint8_t> pixels = picture(13 * 17 * channels);
  std::vector<float> out(pixels.size());  // exactly: AddressSanitizer sees a step beyond
  Augmentation(options).apply(pixels.data(), 13, 17, channels, {3, 4}, index, out.data());
  return out;
}

}  // namespace

TEST_CASE("without a wish pixels only become floats") {
  for (const std::size_t channels : {1UL, 3UL, 4UL}) {
    const std::vector<std::uint8_t> pixels = picture(13 * 17 * channels);
    CHECK(apply({}, channels, 0) == std::vector<float>(pixels.begin(), pixels.end()));
  }
}

TEST_CASE("all operations together stay inside the image and its range") {
  AugmentOptions options;
  options.affine.rotation = {-180, 180};
  options.affine.shear = {-40, 40};
  options.affine.zoom = {0.3, 3};
  options.affine.shift_rows = options.affine.shift_columns = {-2, 2};
  options.channel_shift = {-50, 50};
  options.brightness = options.contrast = options.saturation = {0, 3};
  options.hue = {-0.5, 0.5};
  options.erase = 1;
  options.erase_value = {};
  for (const kernels::Fill fill : {kernels::Fill::kNearest, kernels::Fill::kConstant, kernels::Fill::kReflect}) {
    options.affine.fill = fill;
    for (const std::size_t channels : {1UL, 3UL, 4UL}) {
      for (std::uint64_t index = 0; index < 40; ++index) {
        const std::vector<float> out = apply(options, channels, index);
        for (const float x : out) REQUIRE((x >= 0 && x <= 255));
        CHECK(out == apply(options, channels, index));
      }
      CHECK(apply(options, channels, 1) != apply(options, channels, 2));
    }
  }
}

TEST_CASE("the centre stays where nothing is shifted") {
  AffineOptions options;
  options.rotation = {-90, 90};
  options.shear = {-20, 20};
  options.zoom = {0.5, 2};
  for (std::uint64_t index = 0; index < 20; ++index) {
    const AffineMap map = affine_matrix(options, 31, 48, Stream(1, 2, index, Operation::kAffine));
    CHECK(map.matrix[0] * 15 + map.matrix[1] * 23.5 + map.offset[0] == doctest::Approx(15));
    CHECK(map.matrix[2] * 15 + map.matrix[3] * 23.5 + map.offset[1] == doctest::Approx(23.5));
  }
}

TEST_CASE("ranges without sense are refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuse = [](auto change) {
    AugmentOptions options;
    change(options);
    CHECK_THROWS_AS(Augmentation{options}, std::invalid_argument);
  };
  refuse([=](AugmentOptions& options) { options.affine.rotation = {nan, 1}; });
  refuse([](AugmentOptions& options) { options.affine.rotation = {2, 1}; });
  refuse([](AugmentOptions& options) { options.affine.zoom = {0, 1}; });
  refuse([](AugmentOptions& options) { options.affine.order = 2; });
  refuse([](AugmentOptions& options) { options.affine.fill_value = 256; });
  refuse([](AugmentOptions& options) { options.brightness = {-1, 1}; });
  refuse([](AugmentOptions& options) { options.hue = {-1, 1}; });
  refuse([](AugmentOptions& options) { options.erase = 1.5; });
  refuse([](AugmentOptions& options) { options.erase_value = {-1}; });
  AugmentOptions options;
  options.erase = 1;
  options.erase_value = {1, 2};
  CHECK_THROWS_AS(apply(options, 3, 0), std::invalid_argument);
}
