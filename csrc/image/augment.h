// SPDX-License-Identifier: MIT
// Random augmentation of a resized image: affine transform, colours, erasing, standardisation. Pixels are float32 in
// 0..255. fastbatch.pure.augment is the same in NumPy.
// Threads: immutable, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codecs/image.h"
#include "image/affine.h"

namespace fastbatch {

// In the order of application. Each active operation draws from its own stream.
struct AugmentOptions {
  AffineOptions affine;
  Range channel_shift{0, 0};  // added to all colours, clipped to the image's own range
  Range brightness{1, 1};     // factors
  Range contrast{1, 1};
  Range saturation{1, 1};
  Range hue{0, 0};                    // rotation of the hue, in turns
  double erase = 0;                   // probability
  Range erase_scale{0.02, 0.33};      // share of the image
  Range erase_ratio{0.3, 3.3};        // height / width
  std::vector<float> erase_value{0};  // one number, or one per channel; empty: noise
  bool standardize = false;
};

class Augmentation {
 public:
  // Throws std::invalid_argument for an invalid range.
  explicit Augmentation(AugmentOptions options);

  [[nodiscard]] const AugmentOptions& options() const noexcept { return options_; }

  // Interleaved pixels of 1 to 4 channels, the fourth is alpha. `out` has the same number of elements, no overlap.
  void apply(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::size_t channels, StreamKey key,
             std::uint64_t index, float* out) const;

 private:
  void erase(std::size_t height, std::size_t width, std::size_t channels, Stream stream, float* out) const;

  AugmentOptions options_;
};

}  // namespace fastbatch
