// SPDX-License-Identifier: MIT
#include "decode/mask_decoder.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "image/affine.h"
#include "image/cropper.h"
#include "image/deep_crop.h"

namespace fastbatch {
namespace {

std::string words(ImageSize size) { return std::to_string(size.width) + " x " + std::to_string(size.height); }

// The colour mode in which a mask is decoded. Throws DecodeError if `mode` is not a mode of masks.
ColorMode mask_mode(std::string_view mode) {
  if (mode == "P") return ColorMode::kIndex;
  if (mode == "L" || mode == "1") return ColorMode::kGray;
  throw DecodeError({}, "not a mask: expected a palette or grayscale image, found mode " + std::string(mode));
}

bool is_deep(std::string_view mode) { return mode == "I;16" || mode == "int32" || mode == "uint32"; }

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
  DeepCropper deep_cropper;
  std::vector<std::uint8_t> pixels;    // pixels of the slot
  std::vector<std::byte> deep_pixels;  // the same of 16 or 32 bits
  std::vector<std::uint8_t> row;       // scratch row for flips
  std::vector<float> warped;
};

MaskDecoder::MaskDecoder(std::shared_ptr<const SampleSource> images, std::shared_ptr<const SampleSource> masks,
                         ImageOptions options, MakeImageReader of_images, MakeImageReader of_masks)
    : images_(std::move(images), options.max_pixels, std::move(of_images), options.fills),
      masks_(std::move(masks), options.max_pixels, std::move(of_masks), options.fills),
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
  if (options_.deep) options_.deep->src = DType::kU16;
  if (options_.ints) options_.ints->src = DType::kI32;
  if (options_.uints) options_.uints->src = DType::kU32;
  if (!options_.pad_element.empty() && options_.pad_element.size() != size_of(options_.conversion.dst)) {
    throw std::invalid_argument("pad_element: expected one element of the batch");
  }
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
    images_.decoding(indices[j], scratch.image, [&] { image = images_.open(indices[j], scratch.image); });
    masks_.decoding(indices[j], scratch.mask, [&] {
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
  const SampleGeometry geometry = draw_geometry(info, options_, key, index);
  if (is_deep(info.mode)) {
    const kernels::Conversion& conversion = conversion_of(info);
    if (info.element == DType::kU16) {
      decode_deep<std::uint16_t>(info, geometry, index, key, conversion, slot, scratch);
    } else {
      decode_deep<std::uint32_t>(info, geometry, index, key, conversion, slot, scratch);
    }
  } else {
    decode_bytes(info, geometry, index, key, slot, scratch);
  }
  if (!options_.pad_element.empty()) pad_outside(geometry, index, key, slot, scratch);
}

void MaskDecoder::decode_bytes(const ImageInfo& info, const SampleGeometry& geometry, std::uint64_t index,
                               StreamKey key, std::byte* slot, Scratch& scratch) const {
  ImageOptions options = options_;
  options.color = mask_mode(info.mode);
  scratch.pixels.resize(options.height * options.width);
  std::uint8_t* pixels = scratch.pixels.data();
  scratch.cropper.fill(scratch.mask.reader, info, geometry.orientation, geometry.crop, options, pixels);
  masks_.count_decoded(info, scratch.mask);
  if (info.mode == "1") make_binary(geometry.crop, options.width, pixels);
  apply_flips(geometry.flips, pixels, 1, options.width, options.height, scratch.row);
  if (const auto warped = warp_of(index, key)) warp(*warped, scratch.pixels, scratch.warped);
  kernels::convert(options.conversion, reinterpret_cast<const std::byte*>(pixels), slot, scratch.pixels.size());
}

const kernels::Conversion& MaskDecoder::conversion_of(const ImageInfo& info) const {
  const auto checked = [](const std::optional<kernels::Conversion>& conversion, const char* bits,
                          const char* range) -> const kernels::Conversion& {
    if (conversion) return *conversion;
    throw DecodeError({}, std::string("mask of ") + bits + " bits: expected mask_dtype= a type that holds " + range +
                              ", found a smaller one");
  };
  if (info.element == DType::kI32) return checked(options_.ints, "32", "-2147483648 to 2147483647");
  if (info.element == DType::kU32) return checked(options_.uints, "32", "0 to 4294967295");
  return checked(options_.deep, "16", "0 to 65535");
}

template <typename T>
void MaskDecoder::decode_deep(const ImageInfo& info, const SampleGeometry& geometry, std::uint64_t index, StreamKey key,
                              const kernels::Conversion& conversion, std::byte* slot, Scratch& scratch) const {
  const std::size_t n = options_.height * options_.width;
  scratch.deep_pixels.resize(n * sizeof(T));
  std::byte* const pixels = scratch.deep_pixels.data();
  scratch.deep_cropper.fill(scratch.mask.reader, info, geometry.orientation, geometry.crop, options_,
                            {ColorMode::kGray, 1, info.element}, 1, pixels);
  apply_flips(geometry.flips, reinterpret_cast<std::uint8_t*>(pixels), sizeof(T), options_.width, options_.height,
              scratch.row);
  if (const auto warped = warp_of(index, key)) warp_deep(*warped, reinterpret_cast<T*>(pixels), n, scratch);
  kernels::convert(conversion, pixels, slot, n);
}

void MaskDecoder::pad_outside(const SampleGeometry& geometry, std::uint64_t index, StreamKey key, std::byte* slot,
                              Scratch& scratch) const {
  const CropPlan& crop = geometry.crop;
  scratch.pixels.assign(options_.height * options_.width, 0);  // 1: inside the mask
  for (std::size_t y = crop.top; y < crop.top + crop.wanted.height; ++y) {
    std::fill_n(scratch.pixels.data() + y * options_.width + crop.left, crop.wanted.width, std::uint8_t{1});
  }
  apply_flips(geometry.flips, scratch.pixels.data(), 1, options_.width, options_.height, scratch.row);
  if (auto warped = warp_of(index, key)) {
    warped->fill_value = 0;
    warp(*warped, scratch.pixels, scratch.warped);
  }
  for (const std::uint8_t inside : scratch.pixels) {
    if (inside == 0) std::memcpy(slot, options_.pad_element.data(), options_.pad_element.size());
    slot += options_.pad_element.size();
  }
}

std::optional<kernels::Warp> MaskDecoder::warp_of(std::uint64_t index, StreamKey key) const {
  if (!options_.augmentation) return std::nullopt;
  std::optional<kernels::Warp> warp =
      draw_warp(options_.augmentation->options().affine, options_.height, options_.width, key, index);
  if (warp) {
    warp->order = 0;
    warp->fill_value = static_cast<float>(options_.pad_value[0]);
  }
  return warp;
}

void MaskDecoder::warp(const kernels::Warp& warp, std::vector<std::uint8_t>& pixels, std::vector<float>& warped) {
  warped.resize(pixels.size());
  kernels::warp(warp, pixels.data(), warped.data());
  std::ranges::transform(warped, pixels.begin(), [](float x) { return static_cast<std::uint8_t>(x); });
}

// Byte by byte, from the lowest: the nearest pixel is the same for all.
template <typename T>
void MaskDecoder::warp_deep(kernels::Warp warp, T* values, std::size_t n, Scratch& scratch) {
  scratch.pixels.resize(n);
  for (unsigned shift = 0; shift < 8 * sizeof(T); shift += 8) {
    std::transform(values, values + n, scratch.pixels.begin(),
                   [&](T x) { return static_cast<std::uint8_t>(x >> shift & 0xFFU); });
    MaskDecoder::warp(warp, scratch.pixels, scratch.warped);
    const T others = static_cast<T>(~(T{0xFF} << shift));
    std::transform(values, values + n, scratch.pixels.begin(), values, [&](T x, std::uint8_t byte) {
      return static_cast<T>((x & others) | static_cast<T>(T{byte} << shift));
    });
    warp.fill_value = 0;  // the higher bytes of mask_pad_value
  }
}

}  // namespace fastbatch
