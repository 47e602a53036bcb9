// SPDX-License-Identifier: MIT
#include "decode/image_decoder.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "image/cropper.h"
#include "image/deep_crop.h"
#include "kernels/color.h"

namespace fastbatch {
namespace {

constexpr double kDeepPerByte = 257;  // 65535 / 255

// Throws for an image whose values Pillow clips to 255: most of it would be white.
void refuse_clipping(std::string_view mode, bool is_augmented) {
  if (!mode.starts_with("I;16") && mode != "I" && mode != "F") return;
  const std::string_view expected = is_augmented ? "depth=8 to clip them, since augment= works with 8 bits"
                                                 : "dtype= a float type or uint16, or depth=8 to clip them";
  throw DecodeError({}, "image of more than 8 bits, whose values would be clipped to 255: expected " +
                            std::string(expected) + ", found mode " + std::string(mode));
}

// Whether the conversion is a copy.
bool copies(const kernels::Conversion& conversion) {
  return conversion.dst == conversion.src && conversion.to == kernels::Channels::kLast && conversion.scale.empty();
}

}  // namespace

struct ImageDecoder::Scratch : Workspace {
  explicit Scratch(const ImageOpener& images) : image(images) {}
  ImageOpener::Image image;
  ImageCropper cropper;
  DeepCropper deep_cropper;
  std::vector<std::byte> deep_pixels;  // pixels of the slot, if they need a conversion
  std::vector<std::uint8_t> pixels;    // pixels of the slot, if they need a conversion
  std::vector<std::uint8_t> row;       // scratch row for flips
  std::vector<float> floats;           // augmented pixels
};

ImageDecoder::ImageDecoder(std::shared_ptr<const SampleSource> source, ImageOptions options,
                           MakeImageReader make_external)
    : images_(std::move(source), options.max_pixels, std::move(make_external), options.fills, options.seek_index_bytes),
      options_(std::move(options)),
      channels_(options_.stored_channels != 0 ? options_.stored_channels : channels_of(options_.color)) {
  // Augmented pixels are floats; for batches of integers they are rounded to bytes.
  const bool floats = options_.augmentation && is_float(options_.conversion.dst);
  options_.conversion = fitted(options_.conversion, floats ? DType::kF32 : DType::kU8);
  if (options_.deep) options_.deep = fitted(*options_.deep, DType::kU16);
  if (options_.floats) options_.floats = fitted(*options_.floats, DType::kF32);
  check_crop(options_);
  const bool is_stored = options_.stored_channels != 0;
  if (is_stored && !options_.deep) throw std::invalid_argument("expected a conversion of 16 bits for stored channels");
  if (!is_stored && (pixel_bytes_of(options_.color) != channels_ || options_.color == ColorMode::kIndex)) {
    throw std::invalid_argument("expected a colour mode of 8 bits a channel");
  }
  if (options_.deep && options_.augmentation) {
    throw std::invalid_argument("expected pixels of 8 bits for an augmentation");
  }
  converts_ = options_.augmentation || !copies(options_.conversion);
}

kernels::Conversion ImageDecoder::fitted(kernels::Conversion conversion, DType src) const {
  conversion.src = src;
  conversion.swap_bytes = false;
  conversion.from = kernels::Channels::kLast;
  // With one scale for all channels and no transpose, an image is converted as a plain row of numbers.
  conversion.channels =
      conversion.to == kernels::Channels::kFirst || conversion.scale.size() == channels_ ? channels_ : 1;
  if (conversion.scale.size() != conversion.shift.size() ||
      (!conversion.scale.empty() && conversion.scale.size() != conversion.channels)) {
    throw std::invalid_argument("expected a scale and a shift for each of " + std::to_string(channels_) +
                                " channels, or one for all");
  }
  return conversion;
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
    images_.decoding(indices[j], scratch.image,
                     [&] { decode_image(indices[j], key, slots + j * slot_bytes(), scratch); });
  }
}

void ImageDecoder::decode_image(std::uint64_t index, StreamKey key, std::byte* slot, Scratch& scratch) const {
  const ImageInfo info = images_.open(index, scratch.image);
  const SampleGeometry geometry = draw_geometry(info, options_, key, index);
  if (options_.deep && (info.element != DType::kU8 || options_.stored_channels != 0)) {
    return decode_deep(info, geometry, slot, scratch);
  }
  if (!options_.clips) refuse_clipping(info.mode, options_.augmentation != nullptr);
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

void ImageDecoder::decode_deep(const ImageInfo& info, const SampleGeometry& geometry, std::byte* slot,
                               Scratch& scratch) const {
  const bool is_stored = options_.stored_channels != 0;
  if (is_stored && info.channels != channels_) {
    throw DecodeError({}, "image of another number of channels: expected " + std::to_string(channels_) + ", found " +
                              std::to_string(info.channels));
  }
  const bool is_float = info.element == DType::kF32;
  if (is_float && !options_.floats) {
    throw DecodeError({}, "image of floats: expected dtype= a float type, found mode " + std::string(info.mode));
  }
  const DeepPixels deep{is_stored ? ColorMode::kStored : options_.color, channels_, info.element};
  const kernels::Conversion& conversion = is_float ? *options_.floats : *options_.deep;
  const std::size_t n = options_.height * options_.width;
  std::byte* pixels = slot;
  if (!copies(conversion)) {
    scratch.deep_pixels.resize(n * deep.bytes());
    pixels = scratch.deep_pixels.data();
  }
  scratch.deep_cropper.fill(scratch.image.reader, info, geometry.orientation, geometry.crop, options_, deep,
                            is_float ? 1 : kDeepPerByte, pixels);
  apply_flips(geometry.flips, reinterpret_cast<std::uint8_t*>(pixels), deep.bytes(), options_.width, options_.height,
              scratch.row);
  if (pixels != slot) kernels::convert(conversion, pixels, slot, n * channels_ / conversion.channels);
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
