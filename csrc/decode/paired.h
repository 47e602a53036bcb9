// SPDX-License-Identifier: MIT
// What belongs to images and must move with them: masks, pixel by pixel, and the matrix that moves points and boxes.
// Both draw again what ImageDecoder draws, from the same streams, so that it is the same; of the images themselves only
// the header is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codecs/image_file_reader.h"
#include "decode/decoder.h"
#include "image/image_options.h"
#include "source/source.h"

namespace fastbatch {

// Whether a sample is mirrored; each is the first draw of a stream of its own.
struct Flips {
  bool horizontal = false;
  bool vertical = false;
};
Flips draw_flips(const ImageOptions& options, StreamKey key, std::uint64_t index) noexcept;

// The way of a point of the image, as it is stored, into the slot: turned, cropped, mirrored, and moved with it.
Matrix sample_matrix(ImageSize stored, std::uint8_t orientation, const ImageOptions& options, StreamKey key,
                     std::uint64_t index);

// A slot of six float64: the matrix of the sample. Threads: immutable, any.
class MatrixDecoder : public Decoder {
 public:
  MatrixDecoder(std::shared_ptr<const SampleSource> images, const ImageOptions& options,
                MakeImageReader make_foreign = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return images_->size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return sizeof(Matrix); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  struct Bench;
  const std::shared_ptr<const SampleSource> images_;
  const ImageOptions options_;
  const MakeImageReader make_foreign_;
};

// The mask of each image: a file of the same size, whose numbers (indices of a palette, or grey levels) are picked,
// never mixed. Threads: immutable, any.
class MaskDecoder : public Decoder {
 public:
  // `options` are those of the images but for the conversion and pad_value[0], which are the mask's.
  // Throws std::invalid_argument when the options contradict each other, or the lists differ in length.
  MaskDecoder(std::shared_ptr<const SampleSource> images, std::shared_ptr<const SampleSource> masks,
              ImageOptions options, MakeImageReader make_foreign = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return masks_->size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  struct Bench;
  void decode_mask(std::uint64_t index, StreamKey key, std::byte* slot, Bench& bench) const;

  const std::shared_ptr<const SampleSource> images_;
  const std::shared_ptr<const SampleSource> masks_;
  ImageOptions options_;
  const MakeImageReader make_foreign_;
};

}  // namespace fastbatch
