// SPDX-License-Identifier: MIT
// The crop and resize of an image whose channels have 16 bits or are floats. The part of the file that the crop needs
// is decoded into memory, then resized as Pillow resizes each channel alone (resize_numbers.h). cropper.h: 8 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "codecs/reader.h"
#include "image/options.h"

namespace fastbatch {

// What a slot of the image consists of.
struct DeepPixels {
  ColorMode mode = ColorMode::kGray;
  std::size_t channels = 1;
  DType element = DType::kU16;  // kU16, kI32 or kF32
  [[nodiscard]] std::size_t bytes() const noexcept { return channels * size_of(element); }
};

// Reuses its memory from image to image. Threads: one at a time.
class DeepCropper {
 public:
  // As ImageCropper::fill(). `pad_value`: one element for each channel, or for all. Throws DecodeError.
  void fill(ImageReader& reader, const ImageInfo& info, std::uint8_t orientation, const CropPlan& plan,
            const ImageOptions& options, const DeepPixels& pixels, double pad_scale, std::byte* slot);

 private:
  // Uninitialised: a file whose header promises more than its data must not fill memory.
  struct Memory {
    std::byte* get(std::size_t size);
    void free_if_large();
    std::unique_ptr<std::byte[]> bytes;
    std::size_t capacity = 0;
  };

  Memory stored_;  // the part of the file
  Memory turned_;  // the same, turned upright
};

}  // namespace fastbatch
