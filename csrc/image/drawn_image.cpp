// SPDX-License-Identifier: MIT
#include "image/drawn_image.h"

#include <algorithm>
#include <stdexcept>

#include "image/enhance.h"

namespace fastbatch {
namespace {

bool is_inside(const Window& window, std::size_t width, std::size_t height) {
  return window.x <= width && window.width <= width - window.x && window.y <= height &&
         window.height <= height - window.y;
}

}  // namespace

void check_drawn(const DrawnImage& image, std::size_t height, std::size_t width) {
  const CropPlan& crop = image.crop;
  const auto require = [](bool holds, const char* message) {
    if (!holds) throw std::invalid_argument(message);
  };
  require(
      crop.source.width > 0 && crop.source.height > 0 && is_inside(crop.source, image.size.width, image.size.height),
      "the crop is not a part of the image");
  require(crop.scaled.width > 0 && crop.scaled.height > 0, "an image has at least one pixel");
  const bool resizes = crop.scaled.width != crop.source.width || crop.scaled.height != crop.source.height;
  require(!resizes || std::max(image.size.width, image.size.height) <= kLongestSide, "the image is too long");
  require(
      crop.wanted.width > 0 && crop.wanted.height > 0 && is_inside(crop.wanted, crop.scaled.width, crop.scaled.height),
      "what is wanted is not a part of the resized crop");
  require(is_inside({crop.left, crop.top, crop.wanted.width, crop.wanted.height}, width, height),
          "what is wanted does not fit into the slot");
  require(is_inside(image.erased, width, height), "the erased rectangle is not a part of the slot");
}

void change_colors(const DrawnImage& image, std::uint8_t* pixels, std::size_t n_pixels, std::size_t channels) {
  const ByteImage bytes{pixels, n_pixels, channels};
  for (const ColorChange& change : image.colors) {
    switch (change.kind) {
      case ColorChange::Kind::kBrightness: enhance_brightness(bytes, change.value); break;
      case ColorChange::Kind::kContrast: enhance_contrast(bytes, change.value); break;
      case ColorChange::Kind::kSaturation: enhance_saturation(bytes, change.value); break;
      case ColorChange::Kind::kHue: rotate_hue(bytes, static_cast<std::uint8_t>(change.value)); break;
      case ColorChange::Kind::kGrey: make_grey(bytes);
    }
  }
}

}  // namespace fastbatch
