// SPDX-License-Identifier: MIT
// The mask of each image: an image of the same size with palette indices or grey levels, resampled by nearest
// neighbour. Its geometry is that of its image, of which only the header is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/decoder.h"
#include "decode/image_opener.h"
#include "image/options.h"

namespace fastbatch {

// Threads: immutable, any.
class MaskDecoder : public Decoder {
 public:
  // `options` are those of the images, except the conversion and pad_value[0], which are the mask's.
  // Throws std::invalid_argument if the options contradict each other, or the sources differ in length.
  MaskDecoder(std::shared_ptr<const SampleSource> images, std::shared_ptr<const SampleSource> masks,
              ImageOptions options, MakeImageReader make_external = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return masks_.source().size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override {
    return masks_.source().advise(indices);
  }

 private:
  struct Scratch;
  void decode_mask(ImageSize image, std::uint8_t orientation, std::uint64_t index, StreamKey key, std::byte* slot,
                   Scratch& scratch) const;
  void warp(std::uint64_t index, StreamKey key, Scratch& scratch) const;

  const ImageOpener images_;
  const ImageOpener masks_;
  ImageOptions options_;
};

}  // namespace fastbatch
