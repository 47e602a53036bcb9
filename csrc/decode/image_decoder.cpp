// SPDX-License-Identifier: MIT
#include "decode/image_decoder.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "image/cropper.h"
#include "image/sample_geometry.h"
#include "kernels/color.h"

namespace fastbatch {

struct ImageDecoder::Scratch : Workspace {
  explicit Scratch(const ImageOpener& images) : image(images) {}
  ImageOpener::Image image;
  ImageCropper cropper;
  std::vector<std::uint8_t> pixels;  // pixels of the slot, if they need a conversion
  std::vector<std::uint8_t> row;     // scratch row for flips
  std::vector<float> floats;         // augmented pixels
};

ImageDecoder::ImageDecoder(std::shared_ptr<const SampleSource> source, ImageOptions options,
                           MakeImageReader make_external)
    : images_(std::move(source), options.max_pixels, std::move(make_external)),
      options_(std::move(options)),
      channels_(channels_of(options_.color)) {
  kernels::Conversion& conversion = options_.conversion;
  // Augmented pixels are floats; for batches of integers they are rounded to bytes.
  conversion.src = options_.augmentation && is_float(conversion.dst) ? DType::kF32 : DType::kU8;
  conversion.swap_bytes = false;
  conversion.from = kernels::Channels::kLast;
  // With one scale for all channels and no transpose, an image is converted as a plain row of numbers.
  conversion.channels =
      conversion.to == kernels::Channels::kFirst || conversion.scale.size() == channels_ ? channels_ : 1;
  check_crop(options_);
  if (pixel_bytes_of(options_.color) != channels_ || options_.color == ColorMode::kIndex) {
    throw std::invalid_argument("expected a colour mode of 8 bits a channel");
  }
  if (conversion.scale.size() != conversion.shift.size() ||
      (!conversion.scale.empty() && conversion.scale.size() != conversion.channels)) {
    throw std::invalid_argument("expected a scale and a shift for each of " + std::to_string(channels_) +
                                " channels, or one for all");
  }
  converts_ = options_.augmentation || conversion.dst != DType::kU8 || conversion.to != kernels::Channels::kLast ||
              !conversion.scale.empty();
}

std::size_t ImageDecoder::slot_bytes() const noexcept {
  return options_.height * options_.width * channels_ * size_of(options_.conversion.dst);
}

std::unique_ptr<Workspace> ImageDecoder::workspace() const { return std::make_unique<Scratch>(images_); }

void ImageDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                          std::size_t& failed_at) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    images_.placing_errors(indices[j], [&] { decode_image(indices[j], key, slots + j * slot_bytes(), scratch); });
  }
}

void ImageDecoder::decode_image(std::uint64_t index, StreamKey key, std::byte* slot, Scratch& scratch) const {
  const ImageInfo info = images_.open(index, scratch.image);
  const SampleGeometry geometry = draw_geometry(info, options_, key, index);
  if (converts_) scratch.pixels.resize(channels_ * options_.width * options_.height);
  std::uint8_t* pixels = converts_ ? scratch.pixels.data() : reinterpret_cast<std::uint8_t*>(slot);
  scratch.cropper.fill(scratch.image.reader, info, geometry.orientation, geometry.crop, options_, pixels);
  images_.count_decoded(info, scratch.image);
  apply_flips(geometry.flips, pixels, channels_, options_.width, options_.height, scratch.row);
  if (converts_) {
    const std::byte* const source = augmented(index, key, scratch, pixels);
    kernels::convert(options_.conversion, source, slot,
                     options_.height * options_.width * channels_ / options_.conversion.channels);
  }
}

const std::byte* ImageDecoder::augmented(std::uint64_t index, StreamKey key, Scratch& scratch,
                                         std::uint8_t* pixels) const {
  if (!options_.augmentation) return reinterpret_cast<const std::byte*>(pixels);
  scratch.floats.resize(options_.height * options_.width * channels_);
  options_.augmentation->apply(pixels, options_.height, options_.width, channels_, key, index, scratch.floats.data());
  if (options_.conversion.src == DType::kF32) return reinterpret_cast<const std::byte*>(scratch.floats.data());
  kernels::round_to_bytes(scratch.floats.data(), pixels, scratch.floats.size());
  return reinterpret_cast<const std::byte*>(pixels);
}

}  // namespace fastbatch
