// SPDX-License-Identifier: MIT
// A list of image files -> slots: read, decoded, resized, flipped, converted. The pixels are those of Pillow's
// `convert(color)` and `resize`; rows go from the codec through the resize while they are in cache, so that neither the
// decoded nor the resized whole image is ever stored. Geometry and draws are those of fastbatch.pure.
// Threads: immutable, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/decoder.h"
#include "decode/image_reader.h"
#include "decode/resize.h"
#include "kernels/kernels.h"
#include "source/file_list.h"

namespace fastbatch {

enum class Crop : std::uint8_t {
  kNone,    // the whole image becomes height x width, whatever its shape
  kCenter,  // its shorter side becomes `resize`, and the centre is cut out
};

struct ImageOptions {
  std::size_t height = 224;
  std::size_t width = 224;
  Crop crop = Crop::kNone;
  std::size_t resize = 0;  // for kCenter; at least height and width
  Filter filter = Filter::kBilinear;
  ColorMode color = ColorMode::kRgb;  // 8 bits a channel: kRgb, kRgba, kGray
  bool flip = false;                  // every second sample is mirrored, left to right: draw 0 of its stream
  kernels::Conversion conversion;     // of the pixels; what it says of the source is set here
  std::uint64_t max_pixels = kMaxPixels;
};

// How an image of this size gets into its slot: torchvision's Resize and CenterCrop, but with the pixels of Pillow.
ResizeSpec plan_resize(ImageSize image, const ImageOptions& options);

class ImageDecoder : public Decoder {
 public:
  // Throws std::invalid_argument when the options contradict each other.
  ImageDecoder(std::shared_ptr<const FileList> files, ImageOptions options);

  [[nodiscard]] std::uint64_t size() const noexcept override { return files_->size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  struct Bench;
  void decode_file(std::uint64_t index, StreamKey key, std::byte* slot, Bench& bench) const;

  const std::shared_ptr<const FileList> files_;
  ImageOptions options_;
  std::size_t channels_;
  bool converts_ = true;  // false: the resized pixels are the slot
};

}  // namespace fastbatch
