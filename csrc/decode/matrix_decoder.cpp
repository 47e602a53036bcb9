// SPDX-License-Identifier: MIT
#include "decode/matrix_decoder.h"

#include <cstring>
#include <utility>

#include "image/sample_geometry.h"

namespace fastbatch {

struct MatrixDecoder::Scratch : Workspace {
  explicit Scratch(const ImageOpener& images) : image(images) {}
  ImageOpener::Image image;
};

MatrixDecoder::MatrixDecoder(std::shared_ptr<const SampleSource> images, const ImageOptions& options,
                             MakeImageReader make_external)
    : images_(std::move(images), options.max_pixels, std::move(make_external), options.fills), options_(options) {
  check_crop(options_);
}

std::unique_ptr<Workspace> MatrixDecoder::workspace() const { return std::make_unique<Scratch>(images_); }

void MatrixDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots,
                           Workspace& workspace, std::size_t& failed_at) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    images_.decoding(indices[j], scratch.image, [&] {
      const ImageInfo info = images_.open(indices[j], scratch.image);
      const Matrix matrix = sample_matrix(info, options_, key, indices[j]);
      std::memcpy(slots + j * sizeof(Matrix), matrix.data(), sizeof(Matrix));
    });
  }
}

}  // namespace fastbatch
