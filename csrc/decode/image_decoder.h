// SPDX-License-Identifier: MIT
// Encoded images -> slots: read, decoded, cropped and resized, flipped, converted. Exact pixels are those of
// Pillow's `convert(color)`, `crop` and `resize`. Geometry and draws are those of fastbatch.pure.
// Threads: immutable, any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codecs/image_file_reader.h"
#include "decode/decoder.h"
#include "image/image_options.h"
#include "source/source.h"

namespace fastbatch {

class ImageDecoder : public Decoder {
 public:
  // Throws std::invalid_argument when the options contradict each other.
  ImageDecoder(std::shared_ptr<const SampleSource> source, ImageOptions options, MakeImageReader make_foreign = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return source_->size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override {
    return source_->advise(indices);
  }
  [[nodiscard]] std::uint64_t n_foreign() const noexcept { return n_foreign_; }  // images that the core did not decode

 private:
  struct Bench;
  void decode_sample(std::uint64_t index, StreamKey key, std::byte* slot, Bench& bench) const;
  // What is converted: the pixels themselves, or what an augmentation makes of them.
  const std::byte* augmented(std::uint64_t index, StreamKey key, Bench& bench, std::uint8_t* pixels) const;

  const std::shared_ptr<const SampleSource> source_;
  ImageOptions options_;
  MakeImageReader make_foreign_;
  mutable std::atomic<std::uint64_t> n_foreign_{0};
  std::size_t channels_;
  bool converts_ = true;  // false: the resized pixels are the slot
};

}  // namespace fastbatch
