// SPDX-License-Identifier: MIT
#include "decode/mask_decoder.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "image/affine.h"
#include "image/cropper.h"
#include "image/sample_geometry.h"

namespace fastbatch {
namespace {

std::string words(ImageSize size) { return std::to_string(size.width) + " x " + std::to_string(size.height); }

// The colour mode in which a mask is decoded. Throws DecodeError if `mode` is not a mode of masks.
ColorMode mask_mode(std::string_view mode) {
  if (mode == "P") return ColorMode::kIndex;
  if (mode == "L" || mode == "1") return ColorMode::kGray;
  throw DecodeError({}, "not a mask: expected a palette or 8-bit grayscale image, found mode " + std::string(mode));
}

// Converts black and white to 0 and 1, in the part of the slot that the image covers.
void make_binary(const CropPlan& crop, std::size_t slot_width, std::uint8_t* pixels) {
  for (std::size_t y = crop.top; y < crop.top + crop.wanted.height; ++y) {
    std::uint8_t* row = pixels + y * slot_width + crop.left;
    for (std::size_t x = 0; x < crop.wanted.width; ++x) row[x] = row[x] == 0 ? 0 : 1;
  }
}

}  // namespace

struct MaskDecoder::Scratch : Workspace {
  Scratch(const ImageOpener& images, const ImageOpener& masks) : image(images), mask(masks) {}
  ImageOpener::Image image;
  ImageOpener::Image mask;
  ImageCropper cropper;
  std::vector<std::uint8_t> pixels;  // pixels of the slot
  std::vector<std::uint8_t> row;     // scratch row for flips
  std::vector<float> warped;
};

MaskDecoder::MaskDecoder(std::shared_ptr<const SampleSource> images, std::shared_ptr<const SampleSource> masks,
                         ImageOptions options, MakeImageReader make_external)
    : images_(std::move(images), options.max_pixels, make_external),
      masks_(std::move(masks), options.max_pixels, std::move(make_external)),
      options_(std::move(options)) {
  if (images_.source().size() != masks_.source().size()) {
    throw std::invalid_argument("expected " + std::to_string(images_.source().size()) + " masks, found " +
                                std::to_string(masks_.source().size()));
  }
  check_crop(options_);
  options_.filter = Filter::kNearest;
  options_.exact = true;
  options_.conversion.src = DType::kU8;
  options_.conversion.swap_bytes = false;
  options_.conversion.channels = 1;
}

std::size_t MaskDecoder::slot_bytes() const noexcept {
  return options_.height * options_.width * size_of(options_.conversion.dst);
}

std::unique_ptr<Workspace> MaskDecoder::workspace() const { return std::make_unique<Scratch>(images_, masks_); }

void MaskDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                         std::size_t& failed_at) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    ImageInfo image;
    images_.placing_errors(indices[j], [&] { image = images_.open(indices[j], scratch.image); });
    masks_.placing_errors(indices[j], [&] {
      decode_mask(image.size, image.orientation, indices[j], key, slots + j * slot_bytes(), scratch);
    });
  }
}

void MaskDecoder::decode_mask(ImageSize image, std::uint8_t orientation, std::uint64_t index, StreamKey key,
                              std::byte* slot, Scratch& scratch) const {
  ImageInfo info = masks_.open(index, scratch.mask);
  if (info.size != image) {
    throw DecodeError({},
                      "mask of another size than its image: expected " + words(image) + ", found " + words(info.size));
  }
  info.orientation = orientation;  // of the image: the mask is turned with it
  ImageOptions options = options_;
  options.color = mask_mode(info.mode);
  const SampleGeometry geometry = draw_geometry(info, options, key, index);
  scratch.pixels.resize(options.height * options.width);
  std::uint8_t* pixels = scratch.pixels.data();
  scratch.cropper.fill(scratch.mask.reader, info, geometry.orientation, geometry.crop, options, pixels);
  if (info.mode == "1") make_binary(geometry.crop, options.width, pixels);
  apply_flips(geometry.flips, pixels, 1, options.width, options.height, scratch.row);
  if (options.augmentation) warp(index, key, scratch);
  kernels::convert(options.conversion, reinterpret_cast<const std::byte*>(pixels), slot, scratch.pixels.size());
}

// The affine transform of the image's augmentation, with nearest-neighbour sampling.
void MaskDecoder::warp(std::uint64_t index, StreamKey key, Scratch& scratch) const {
  std::optional<kernels::Warp> warp =
      draw_warp(options_.augmentation->options().affine, options_.height, options_.width, key, index);
  if (!warp) return;
  warp->order = 0;
  warp->fill_value = static_cast<float>(options_.pad_value[0]);
  scratch.warped.resize(scratch.pixels.size());
  kernels::warp(*warp, scratch.pixels.data(), scratch.warped.data());
  std::ranges::transform(scratch.warped, scratch.pixels.begin(), [](float x) { return static_cast<std::uint8_t>(x); });
}

}  // namespace fastbatch
