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
#include "decode/image_options.h"
#include "decode/resize.h"
#include "source/file_list.h"

namespace fastbatch {

// The resize of `plan.source`, cut out of the image, to `plan.wanted`.
ResizeSpec resize_spec(const CropPlan& plan, Filter filter, std::size_t channels);

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
