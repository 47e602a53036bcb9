// SPDX-License-Identifier: MIT
#include "image/augment.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/color.h"
#include "kernels/kernels.h"

namespace fastbatch {
namespace {

constexpr int kEraseTries = 10;

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

void require_within(const Range& range, double low, double high, const char* name) {
  require(low <= range[0] && range[0] <= range[1] && range[1] <= high,
          (std::string(name) + ": expected lowest <= highest within its limits").c_str());
}

}  // namespace

Augmentation::Augmentation(AugmentOptions options) : options_(std::move(options)) {
  constexpr double kMuch = 1e6;
  require_within(options_.affine.rotation, -kMuch, kMuch, "rotation");
  require_within(options_.affine.shear, -kMuch, kMuch, "shear");
  require_within(options_.affine.zoom, 1 / kMuch, kMuch, "zoom");
  require_within(options_.affine.shift_rows, -kMuch, kMuch, "shift");
  require_within(options_.affine.shift_columns, -kMuch, kMuch, "shift");
  require(options_.affine.order == 0 || options_.affine.order == 1, "order: expected 0 or 1");
  require_within({options_.affine.fill_value, options_.affine.fill_value}, 0, 255, "fill_value");
  require_within(options_.channel_shift, -kMuch, kMuch, "channel_shift");
  require_within(options_.brightness, 0, kMuch, "brightness");
  require_within(options_.contrast, 0, kMuch, "contrast");
  require_within(options_.saturation, 0, kMuch, "saturation");
  require_within(options_.hue, -0.5, 0.5, "hue");
  require_within({0, options_.erase}, 0, 1, "erase");
  require_within(options_.erase_scale, 0, 1, "erase_scale");
  require_within(options_.erase_ratio, 1 / kMuch, kMuch, "erase_ratio");
  for (const float value : options_.erase_value) require_within({value, value}, 0, 255, "erase_value");
}

void Augmentation::apply(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::size_t channels,
                         StreamKey key, std::uint64_t index, float* out) const {
  const auto stream = [&](Operation operation) { return Stream(key, index, operation); };
  if (std::optional<kernels::Warp> warp = draw_warp(options_.affine, height, width, key, index)) {
    warp->channels = channels;
    kernels::warp(*warp, pixels, out);
  } else {
    kernels::convert({.src = DType::kU8, .dst = DType::kF32}, reinterpret_cast<const std::byte*>(pixels),
                     reinterpret_cast<std::byte*>(out), height * width * channels);
  }

  const kernels::FloatImage image{out, height * width, channels, channels >= 3 ? std::size_t{3} : std::size_t{1}};
  const auto draw = [&](const Range& range, double neutral, Operation operation, auto change) {
    if (range[0] == neutral && range[1] == neutral) return;
    change(image, static_cast<float>(between(range, stream(operation).uniform())));
  };
  draw(options_.channel_shift, 0, Operation::kChannelShift, kernels::shift_channels);
  draw(options_.brightness, 1, Operation::kBrightness, kernels::adjust_brightness);
  draw(options_.contrast, 1, Operation::kContrast, kernels::adjust_contrast);
  draw(options_.saturation, 1, Operation::kSaturation, kernels::adjust_saturation);
  draw(options_.hue, 0, Operation::kHue, kernels::adjust_hue);
  if (options_.erase > 0) erase(height, width, channels, stream(Operation::kErase), out);
  if (options_.standardize) kernels::standardize(image);
}

// torchvision's RandomErasing. Draws whether to erase; then in each of ten tries the area and the aspect ratio, and, if
// the box is smaller than the image in both dimensions, its top and left edge. Noise uses the bytes of further draws,
// lowest byte first.
void Augmentation::erase(std::size_t height, std::size_t width, std::size_t channels, Stream stream, float* out) const {
  const std::vector<float>& value = options_.erase_value;
  require(value.size() <= 1 || value.size() == channels, "erase_value: expected one number, or one for each channel");
  if (stream.uniform() >= options_.erase) return;
  const Range logs{std::log(options_.erase_ratio[0]), std::log(options_.erase_ratio[1])};
  for (int attempt = 0; attempt < kEraseTries; ++attempt) {
    const double area = static_cast<double>(height * width) * between(options_.erase_scale, stream.uniform());
    const double ratio = std::exp(between(logs, stream.uniform()));
    const auto h = static_cast<std::size_t>(std::nearbyint(std::sqrt(area * ratio)));
    const auto w = static_cast<std::size_t>(std::nearbyint(std::sqrt(area / ratio)));
    if (h >= height || w >= width) continue;
    const std::size_t top = stream.below(height - h + 1);
    const std::size_t left = stream.below(width - w + 1);
    std::uint64_t noise = 0;
    std::size_t drawn = 0;
    for (std::size_t y = top; y < top + h; ++y) {
      float* const row = out + (y * width + left) * channels;
      for (std::size_t i = 0; i < w * channels; ++i) {
        if (!value.empty()) {
          row[i] = value[value.size() == 1 ? 0 : i % channels];
          continue;
        }
        noise = drawn++ % sizeof noise == 0 ? stream.next() : noise >> 8U;
        row[i] = static_cast<float>(noise & 0xFFU);
      }
    }
    return;
  }
}

}  // namespace fastbatch
