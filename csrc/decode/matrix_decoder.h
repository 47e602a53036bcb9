// SPDX-License-Identifier: MIT
// The affine matrix of each image, for its points and boxes. Only the header of the image is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/decoder.h"
#include "decode/image_opener.h"
#include "image/options.h"

namespace fastbatch {

// A slot is six float64: see geometry.h. Threads: immutable, any.
class MatrixDecoder : public Decoder {
 public:
  // `options` are those of the images. Throws std::invalid_argument if they contradict each other.
  MatrixDecoder(std::shared_ptr<const SampleSource> images, const ImageOptions& options,
                MakeImageReader make_external = {});

  [[nodiscard]] std::uint64_t size() const noexcept override { return images_.source().size(); }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return sizeof(Matrix); }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  struct Scratch;

  const ImageOpener images_;
  const ImageOptions options_;
};

}  // namespace fastbatch
