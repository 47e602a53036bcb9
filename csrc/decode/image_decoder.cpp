// SPDX-License-Identifier: MIT
#include "decode/image_decoder.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/philox.h"
#include "image/image_cropper.h"
#include "image/mirror.h"
#include "kernels/color.h"

namespace fastbatch {

// What one worker needs; nothing of one sample reaches the next.
struct ImageDecoder::Bench : Workspace {
  explicit Bench(const MakeImageReader& make_foreign) : reader(make_foreign) {}
  ReadBuffer buffer;
  ImageFileReader reader;
  ImageCropper cropper;
  std::vector<std::uint8_t> pixels;  // of the slot, unless they need no conversion
  std::vector<std::uint8_t> row;     // of a flip
  std::vector<float> floats;         // of an augmentation
};

ImageDecoder::ImageDecoder(std::shared_ptr<const SampleSource> source, ImageOptions options,
                           MakeImageReader make_foreign)
    : source_(std::move(source)),
      options_(std::move(options)),
      make_foreign_(std::move(make_foreign)),
      channels_(channels_of(options_.color)) {
  kernels::Conversion& conversion = options_.conversion;
  // Augmented pixels are floats; those of a batch of integers are rounded to bytes again.
  conversion.src = options_.augmentation && is_float(conversion.dst) ? DType::kF32 : DType::kU8;
  conversion.swap_bytes = false;
  conversion.from = kernels::Channels::kLast;
  // One scale for all channels that stay where they are: then an image is a row of numbers.
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

std::unique_ptr<Workspace> ImageDecoder::workspace() const { return std::make_unique<Bench>(make_foreign_); }

void ImageDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                          std::size_t& failed_at) const {
  auto& bench = static_cast<Bench&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    try {
      decode_sample(indices[j], key, slots + j * slot_bytes(), bench);
    } catch (const DecodeError& error) {
      throw DecodeError(source_->where(indices[j]), error.message());
    } catch (const FormatError& error) {
      throw FormatError(source_->where(indices[j]), error.message());
    } catch (const FileError& error) {
      throw FileError(source_->where(indices[j]), error.code());
    }
  }
}

void ImageDecoder::decode_sample(std::uint64_t index, StreamKey key, std::byte* slot, Bench& bench) const {
  ImageFileReader& reader = bench.reader;
  const ImageInfo info = reader.read_header(source_->read(index, bench.buffer), options_.max_pixels);
  if (reader.is_external()) ++n_foreign_;
  const std::uint8_t orientation = options_.apply_exif ? info.orientation : std::uint8_t{1};
  const CropPlan plan =
      plan_crop(turned(info.size, orientation), options_, Stream(key.seed, key.epoch, index, Operation::kCrop));

  const std::size_t stride = channels_ * options_.width;
  if (converts_) bench.pixels.resize(stride * options_.height);
  std::uint8_t* pixels = converts_ ? bench.pixels.data() : reinterpret_cast<std::uint8_t*>(slot);
  if (plan.wanted.width < options_.width || plan.wanted.height < options_.height) {
    for (std::size_t i = 0; i < stride * options_.height; ++i) pixels[i] = options_.pad_value[i % channels_];
  }
  bench.cropper.run(reader, info, orientation, plan, options_, pixels);

  const auto drawn = [&](Operation operation) { return Stream(key.seed, key.epoch, index, operation).uniform() < 0.5; };
  if (options_.flip && drawn(Operation::kFlip)) {
    mirror_rows(pixels, channels_, options_.width, options_.height, bench.row);
  }
  if (options_.vertical_flip && drawn(Operation::kVerticalFlip)) {
    for (std::size_t top = 0; top < options_.height / 2; ++top) {
      std::uint8_t* row = pixels + top * stride;
      std::swap_ranges(row, row + stride, pixels + (options_.height - 1 - top) * stride);
    }
  }
  if (converts_) {
    const std::byte* const source = augmented(index, key, bench, pixels);
    kernels::convert(options_.conversion, source, slot,
                     options_.height * options_.width * channels_ / options_.conversion.channels);
  }
}

const std::byte* ImageDecoder::augmented(std::uint64_t index, StreamKey key, Bench& bench, std::uint8_t* pixels) const {
  if (!options_.augmentation) return reinterpret_cast<const std::byte*>(pixels);
  bench.floats.resize(options_.height * options_.width * channels_);
  options_.augmentation->apply(pixels, options_.height, options_.width, channels_, key, index, bench.floats.data());
  if (options_.conversion.src == DType::kF32) return reinterpret_cast<const std::byte*>(bench.floats.data());
  kernels::round_to_bytes(bench.floats.data(), pixels, bench.floats.size());
  return reinterpret_cast<const std::byte*>(pixels);
}

}  // namespace fastbatch
