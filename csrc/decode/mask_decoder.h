// SPDX-License-Identifier: MIT
// The mask of each image: an image of the same size with palette indices or grey levels of up to 32 bits, resampled by
// nearest neighbour. Its geometry is that of its image, of which only the header is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "decode/decoder.h"
#include "decode/image_opener.h"
#include "image/options.h"
#include "image/sample_geometry.h"
#include "kernels/warp.h"

namespace fastbatch {

// Threads: immutable, any.
class MaskDecoder : public Decoder {
 public:
  // `options` are those of the images, except the conversions and the padding, which are the mask's. External readers
  // are of the images' headers and of the masks.
  // Throws std::invalid_argument if the options contradict each other, or the sources differ in length.
  MaskDecoder(std::shared_ptr<const SampleSource> images, std::shared_ptr<const SampleSource> masks,
              ImageOptions options, MakeImageReader of_images = {}, MakeImageReader of_masks = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return masks_.source().size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override {
    return masks_.source().advise(indices);
  }
  // Masks that are JPEGs, as ImageDecoder counts them.
  [[nodiscard]] std::uint64_t n_jpeg_own() const noexcept { return masks_.n_jpeg_own(); }
  [[nodiscard]] std::uint64_t n_jpeg_library() const noexcept { return masks_.n_jpeg_library(); }

 private:
  struct Scratch;
  void decode_mask(ImageSize image, std::uint8_t orientation, std::uint64_t index, StreamKey key, std::byte* slot,
                   Scratch& scratch) const;
  // A mask of at most 8 bits.
  void decode_bytes(const ImageInfo& info, const SampleGeometry& geometry, std::uint64_t index, StreamKey key,
                    std::byte* slot, Scratch& scratch) const;
  // A mask of elements T, of 16 or 32 bits.
  template <typename T>
  void decode_deep(const ImageInfo& info, const SampleGeometry& geometry, std::uint64_t index, StreamKey key,
                   const kernels::Conversion& conversion, std::byte* slot, Scratch& scratch) const;
  // Writes options_.pad_element where the slot shows nothing of the mask.
  void pad_outside(const SampleGeometry& geometry, std::uint64_t index, StreamKey key, std::byte* slot,
                   Scratch& scratch) const;
  // The conversion of a mask of more than 8 bits. Throws DecodeError if the type of the batch does not hold its values.
  [[nodiscard]] const kernels::Conversion& conversion_of(const ImageInfo& info) const;
  // The affine transform of the image's augmentation, with nearest-neighbour sampling.
  [[nodiscard]] std::optional<kernels::Warp> warp_of(std::uint64_t index, StreamKey key) const;
  static void warp(const kernels::Warp& warp, std::vector<std::uint8_t>& pixels, std::vector<float>& warped);
  template <typename T>
  static void warp_deep(kernels::Warp warp, T* values, std::size_t n, Scratch& scratch);

  const ImageOpener images_;
  const ImageOpener masks_;
  ImageOptions options_;
};

}  // namespace fastbatch
