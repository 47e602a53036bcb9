// SPDX-License-Identifier: MIT
// Geometry without pixels: crops, EXIF's orientation, and the matrices that move points with them.
// All arithmetic is IEEE double in a fixed order, so that fastbatch.pure.geometry gives the same numbers.
// Threads: functions of their arguments; any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/image.h"
#include "common/philox.h"

namespace fastbatch {

enum class Crop : std::uint8_t {
  kNone,           // the whole image is resized to height x width, ignoring its aspect ratio
  kCenter,         // the shorter side is resized to `resize`, and the centre is cropped
  kRandom,         // the same with a random window; without `resize`, of the image at its original size
  kRandomResized,  // a part of random area, aspect ratio and position is resized: torchvision's RandomResizedCrop
  kPad,            // the whole image, aspect ratio kept, centred in the slot: Pillow's ImageOps.pad
};

struct CropOptions {
  std::size_t height = 224;  // size of the slot
  std::size_t width = 224;
  Crop crop = Crop::kNone;
  std::size_t resize = 0;                      // kCenter, kRandom: at least height and width; 0 with kRandom: none
  std::array<double, 2> area{0.08, 1.0};       // kRandomResized: share of the image, lowest and highest
  std::array<double, 2> ratio{0.75, 4 / 3.0};  // kRandomResized: width / height, lowest and highest
};

// Throws std::invalid_argument if the options contradict each other or are out of range.
void check_crop(const CropOptions& options);

// `source` is cropped from the image and then resized to `scaled`, without using pixels outside of it (as torchvision);
// its part `wanted` is placed at (left, top) of the slot. The rest of the slot is padding.
struct CropPlan {
  Window source{};
  ImageSize scaled{};
  Window wanted{};
  std::size_t left = 0, top = 0;
  bool operator==(const CropPlan&) const = default;
};

// The crop of an image of this size (at least 1 x 1, after EXIF's turn). `stream`: of Operation::kCrop. kRandom draws
// the top, then the left edge. kRandomResized draws in each of at most ten tries the area and the aspect ratio, and, if
// the box fits, its top and left edge.
CropPlan plan_crop(ImageSize image, const CropOptions& options, Stream stream);

// ---- EXIF: `orientation`, 1 to 8, determines how the stored image is turned upright

[[nodiscard]] constexpr bool swaps_sides(std::uint8_t orientation) noexcept { return orientation >= 5; }
ImageSize turned(ImageSize stored, std::uint8_t orientation) noexcept;

// The stored pixels that fill `upright`, a window of the turned image.
Window stored_window(const Window& upright, ImageSize stored, std::uint8_t orientation) noexcept;

// ---- points: x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5]
// Coordinates refer to edges: 0 is the left edge of the first pixel, width the right edge of the last.

using Matrix = std::array<double, 6>;
Matrix then(const Matrix& first, const Matrix& second) noexcept;  // second(first(point))

Matrix turn_matrix(ImageSize stored, std::uint8_t orientation) noexcept;  // stored image -> turned image
Matrix crop_matrix(const CropPlan& plan) noexcept;                        // turned image -> slot
Matrix flip_matrix(std::size_t height, std::size_t width, bool flip, bool vertical_flip) noexcept;  // slot -> slot

}  // namespace fastbatch
