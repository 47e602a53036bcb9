// SPDX-License-Identifier: MIT
#include "image/geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "common/error.h"

namespace fastbatch {
namespace {

constexpr int kTries = 10;
constexpr std::size_t kLongestResized = std::numeric_limits<std::int32_t>::max();

double as_double(std::size_t n) { return static_cast<double>(n); }

// Python's round(): half to even. At least 1.
std::size_t rounded_side(double x) { return static_cast<std::size_t>(std::max(1.0, std::nearbyint(x))); }

// (size - part) / 2, rounded half to even.
std::size_t centre(std::size_t size, std::size_t part) {
  const std::size_t twice = size - part;
  return twice / 2 + (twice % 4 == 3 ? 1 : 0);
}

// The weights of a resize grow with the sides, whatever the other one is.
void check_sides(ImageSize image, const CropOptions& options) {
  const bool resizes = options.crop != Crop::kRandom || options.resize != 0;
  if (!resizes || std::max(image.width, image.height) <= kLongestSide) return;
  throw DecodeError({}, "image too long: expected sides of at most " + std::to_string(kLongestSide) +
                            " pixels, found " + std::to_string(image.width) + " x " + std::to_string(image.height));
}

Window all_of(ImageSize size) { return {0, 0, size.width, size.height}; }

ImageSize make_size(std::size_t width, std::size_t height) {
  return {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)};
}

// Resizes the shorter side to `side`; the longer one is rounded down, as in torchvision's Resize.
ImageSize resize_shorter(ImageSize image, std::size_t side) {
  const auto longer = [&](std::size_t length, std::size_t shorter) {
    const auto resized = static_cast<std::size_t>(as_double(side * length) / as_double(shorter));
    if (resized <= kLongestResized) return resized;
    throw DecodeError({}, "image too narrow: expected at most " + std::to_string(kLongestResized) +
                              " pixels a side after the resize, found " + std::to_string(resized) + " of " +
                              std::to_string(image.width) + " x " + std::to_string(image.height));
  };
  if (image.width <= image.height) return make_size(side, longer(image.height, image.width));
  return make_size(longer(image.width, image.height), side);
}

// One axis of a random window of `want` pixels within `have` pixels, or around them.
struct Place {
  std::size_t offset, size, padding;  // offset and size of the window; padding before it in the slot
};

Place draw_place(std::size_t have, std::size_t want, Stream& stream) {
  const std::size_t k = stream.below((have > want ? have - want : want - have) + 1);
  return have >= want ? Place{k, want, 0} : Place{0, have, k};
}

Window draw_box(ImageSize image, const CropOptions& options, Stream& stream) {
  const double area = as_double(image.width) * as_double(image.height);
  const double low = std::log(options.ratio[0]);
  const double high = std::log(options.ratio[1]);
  for (int i = 0; i < kTries; ++i) {
    const double wanted = area * (options.area[0] + (options.area[1] - options.area[0]) * stream.uniform());
    const double ratio = std::exp(low + (high - low) * stream.uniform());
    const double width = std::nearbyint(std::sqrt(wanted * ratio));
    const double height = std::nearbyint(std::sqrt(wanted / ratio));
    if (width < 1 || height < 1 || width > as_double(image.width) || height > as_double(image.height)) continue;
    const auto w = static_cast<std::size_t>(width);
    const auto h = static_cast<std::size_t>(height);
    const std::size_t top = stream.below(image.height - h + 1);
    const std::size_t left = stream.below(image.width - w + 1);
    return {left, top, w, h};
  }
  // The largest centred part whose aspect ratio is within the limits.
  const double shape = as_double(image.width) / as_double(image.height);
  std::size_t w = image.width;
  std::size_t h = image.height;
  if (shape < options.ratio[0]) h = std::min(h, rounded_side(as_double(w) / options.ratio[0]));
  if (shape > options.ratio[1]) w = std::min(w, rounded_side(as_double(h) * options.ratio[1]));
  return {(image.width - w) / 2, (image.height - h) / 2, w, h};
}

// The largest size that fits into the slot, rounded as by Pillow's ImageOps.contain.
ImageSize contained(ImageSize image, std::size_t width, std::size_t height) {
  const double have = as_double(image.width) / as_double(image.height);
  const double want = as_double(width) / as_double(height);
  if (have > want) height = rounded_side(as_double(image.height) / as_double(image.width) * as_double(width));
  if (have < want) width = rounded_side(have * as_double(height));
  return make_size(width, height);
}

}  // namespace

void check_crop(const CropOptions& options) {
  constexpr std::size_t kLargest = std::size_t{1} << 16U;
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument(what);
  };
  const auto rises = [](const std::array<double, 2>& range, double most) {
    return range[0] > 0 && range[0] <= range[1] && range[1] <= most;
  };
  require(options.height > 0 && options.width > 0, "an image has at least one pixel");
  require(options.height <= kLargest && options.width <= kLargest && options.resize <= kLargest,
          "expected sides of at most " + std::to_string(kLargest) + " pixels");
  const bool resizes = options.crop == Crop::kCenter || (options.crop == Crop::kRandom && options.resize != 0);
  require(!resizes || options.resize >= std::max(options.height, options.width),
          "expected resize to cover the crop of " + std::to_string(options.height) + " x " +
              std::to_string(options.width) + ", found " + std::to_string(options.resize));
  require(rises(options.area, 1), "crop_scale: expected 0 < lowest <= highest <= 1");
  require(rises(options.ratio, 1e6), "crop_ratio: expected 0 < lowest <= highest <= 1e6");
}

CropPlan plan_crop(ImageSize image, const CropOptions& options, Stream stream) {
  check_sides(image, options);
  const std::size_t width = options.width;
  const std::size_t height = options.height;
  const ImageSize slot = make_size(width, height);
  CropPlan plan{.source = all_of(image), .scaled = slot, .wanted = all_of(slot)};
  switch (options.crop) {
    case Crop::kNone: break;
    case Crop::kCenter:
      plan.scaled = resize_shorter(image, options.resize);
      plan.wanted = {centre(plan.scaled.width, width), centre(plan.scaled.height, height), width, height};
      break;
    case Crop::kRandom: {
      const ImageSize from = options.resize == 0 ? image : resize_shorter(image, options.resize);
      const Place y = draw_place(from.height, height, stream);
      const Place x = draw_place(from.width, width, stream);
      plan.scaled = from;
      plan.wanted = {x.offset, y.offset, x.size, y.size};
      if (options.resize == 0) {  // not resized: only the window is needed
        plan.source = plan.wanted;
        plan.scaled = make_size(x.size, y.size);
        plan.wanted = all_of(plan.scaled);
      }
      plan.left = x.padding;
      plan.top = y.padding;
      break;
    }
    case Crop::kRandomResized: plan.source = draw_box(image, options, stream); break;
    case Crop::kPad:
      plan.scaled = contained(image, width, height);
      plan.wanted = all_of(plan.scaled);
      plan.left = static_cast<std::size_t>(std::nearbyint(as_double(width - plan.scaled.width) * 0.5));
      plan.top = static_cast<std::size_t>(std::nearbyint(as_double(height - plan.scaled.height) * 0.5));
      break;
  }
  return plan;
}

ImageSize turned(ImageSize stored, std::uint8_t orientation) noexcept {
  return swaps_sides(orientation) ? ImageSize{stored.height, stored.width} : stored;
}

Window stored_window(const Window& upright, ImageSize stored, std::uint8_t orientation) noexcept {
  Window window = upright;
  if (swaps_sides(orientation)) window = {upright.y, upright.x, upright.height, upright.width};
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  if (from_right) window.x = stored.width - window.x - window.width;
  if (from_below) window.y = stored.height - window.y - window.height;
  return window;
}

Matrix then(const Matrix& first, const Matrix& second) noexcept {
  const auto& [a, b, c, d, e, f] = first;
  const auto& [p, q, r, s, t, u] = second;
  return {p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u};
}

Matrix turn_matrix(ImageSize stored, std::uint8_t orientation) noexcept {
  const double w = stored.width;
  const double h = stored.height;
  switch (orientation) {
    case 2: return {-1, 0, w, 0, 1, 0};
    case 3: return {-1, 0, w, 0, -1, h};
    case 4: return {1, 0, 0, 0, -1, h};
    case 5: return {0, 1, 0, 1, 0, 0};
    case 6: return {0, -1, h, 1, 0, 0};
    case 7: return {0, -1, h, -1, 0, w};
    case 8: return {0, 1, 0, -1, 0, w};
    default: return {1, 0, 0, 0, 1, 0};
  }
}

Matrix crop_matrix(const CropPlan& plan) noexcept {
  const double x = as_double(plan.scaled.width) / as_double(plan.source.width);
  const double y = as_double(plan.scaled.height) / as_double(plan.source.height);
  return {x, 0, as_double(plan.left) - as_double(plan.wanted.x) - as_double(plan.source.x) * x,
          0, y, as_double(plan.top) - as_double(plan.wanted.y) - as_double(plan.source.y) * y};
}

Matrix flip_matrix(std::size_t height, std::size_t width, bool flip, bool vertical_flip) noexcept {
  Matrix matrix{1, 0, 0, 0, 1, 0};
  if (flip) matrix[0] = -1, matrix[2] = as_double(width);
  if (vertical_flip) matrix[4] = -1, matrix[5] = as_double(height);
  return matrix;
}

}  // namespace fastbatch
