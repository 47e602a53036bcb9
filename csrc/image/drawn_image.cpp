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

void change_pixels(const DrawnImage& image, std::uint8_t* pixels, ImageSize size, std::size_t channels,
                   std::vector<std::uint8_t>& scratch) {
  using Kind = PixelChange::Kind;
  const ByteImage bytes{pixels, size.pixels(), channels};
  for (const PixelChange& change : image.changes) {
    switch (change.kind) {
      case Kind::kBrightness: enhance_brightness(bytes, change.value); break;
      case Kind::kContrast: enhance_contrast(bytes, change.value); break;
      case Kind::kSaturation: enhance_saturation(bytes, change.value); break;
      case Kind::kHue: rotate_hue(bytes, static_cast<std::uint8_t>(change.value)); break;
      case Kind::kGrey: make_grey(bytes); break;
      case Kind::kFlip: apply_flips({.horizontal = true}, pixels, channels, size.width, size.height, scratch); break;
      case Kind::kVerticalFlip:
        apply_flips({.vertical = true}, pixels, channels, size.width, size.height, scratch);
        break;
      case Kind::kAffine:
        scratch.assign(pixels, pixels + size.pixels() * channels);
        transform_affine(change.affine, size, channels, scratch.data(), pixels);
    }
  }
}

}  // namespace fastbatch
