// SPDX-License-Identifier: MIT
// Encoded images -> slots: read, decoded, cropped and resized, flipped, converted. Exact pixels are those of
// Pillow's `convert(color)`, `crop` and `resize`. Geometry and draws are those of fastbatch.pure.
// Threads: immutable, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/decoder.h"
#include "decode/image_opener.h"
#include "image/options.h"
#include "image/sample_geometry.h"

namespace fastbatch {

class ImageDecoder : public Decoder {
 public:
  // Throws std::invalid_argument if the options contradict each other.
  ImageDecoder(std::shared_ptr<const SampleSource> source, ImageOptions options, MakeImageReader make_external = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return images_.source().size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override {
    return images_.source().advise(indices);
  }
  [[nodiscard]] std::uint64_t n_external() const noexcept {
    return images_.n_external();
  }  // images that no codec decoded
  [[nodiscard]] std::uint64_t n_jpeg_own() const noexcept { return images_.n_jpeg_own(); }
  [[nodiscard]] std::uint64_t n_jpeg_library() const noexcept { return images_.n_jpeg_library(); }
  [[nodiscard]] std::uint64_t n_jpeg_indexed() const noexcept { return images_.n_jpeg_indexed(); }

 private:
  struct Scratch;
  [[nodiscard]] kernels::Conversion fitted(kernels::Conversion conversion, DType src) const;
  void decode_image(std::uint64_t index, StreamKey key, std::byte* slot, Scratch& scratch) const;
  // An image whose channels have 16 bits or are floats.
  void decode_deep(const ImageInfo& info, const SampleGeometry& geometry, std::byte* slot, Scratch& scratch) const;
  // The pixels to convert: `pixels` itself, or the augmented pixels.
  const std::byte* augmented(std::uint64_t index, StreamKey key, Scratch& scratch, std::uint8_t* pixels) const;

  const ImageOpener images_;
  ImageOptions options_;
  std::size_t channels_;
  bool converts_ = true;  // false: the resized pixels are the slot
};

}  // namespace fastbatch
