// SPDX-License-Identifier: MIT
#include "decode/drawn_decoder.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "common/stop.h"
#include "image/cropper.h"
#include "image/resize.h"
#include "source/file_list.h"
#include "source/source.h"

namespace fastbatch {
namespace {

constexpr std::size_t kChunkElements = std::size_t{48} << 10U;  // about 50 us of work

Window all_of(ImageSize size) { return {0, 0, size.width, size.height}; }

// Copies a window of an image into dense rows of interleaved pixels.
void interleave(const ImageArray& array, const std::uint8_t* source, const Window& window, std::size_t channels,
                std::uint8_t* target, std::size_t target_stride) {
  const bool dense = array.channel_stride == 1 && array.pixel_stride == static_cast<std::ptrdiff_t>(channels);
  source += static_cast<std::ptrdiff_t>(window.y) * array.row_stride +
            static_cast<std::ptrdiff_t>(window.x) * array.pixel_stride;
  for (std::size_t y = 0; y < window.height; ++y, source += array.row_stride, target += target_stride) {
    if (dense) {
      std::memcpy(target, source, window.width * channels);
    } else if (channels == 3 && array.pixel_stride == 1) {  // planes, as in torchvision's CIFAR10
      const std::uint8_t* const second = source + array.channel_stride;
      const std::uint8_t* const third = second + array.channel_stride;
      for (std::size_t x = 0; x < window.width; ++x) {
        target[3 * x] = source[x];
        target[3 * x + 1] = second[x];
        target[3 * x + 2] = third[x];
      }
    } else {
      const std::uint8_t* from = source;
      for (std::size_t x = 0; x < window.width; ++x, from += array.pixel_stride) {
        for (std::size_t c = 0; c < channels; ++c)
          target[x * channels + c] = from[static_cast<std::ptrdiff_t>(c) * array.channel_stride];
      }
    }
  }
}

void fill_with(std::span<const std::uint8_t> pixel, std::size_t n, std::uint8_t* pixels) {
  if (std::all_of(pixel.begin(), pixel.end(), [&](std::uint8_t byte) { return byte == pixel.front(); })) {
    std::memset(pixels, pixel.front(), n * pixel.size());
    return;
  }
  for (std::size_t i = 0; i < n; ++i, pixels += pixel.size()) std::copy(pixel.begin(), pixel.end(), pixels);
}

}  // namespace

struct DrawnDecoder::Scratch : Workspace {
  explicit Scratch(const DrawnDecoder& decoder) : reader(decoder.make_external_, decoder.index_) {}
  ReadBuffer buffer;
  ImageFileReader reader;
  ImageCropper cropper;
  ResizerCache resizers;
  std::vector<std::byte> resizing;
  std::vector<std::uint8_t> pixels;  // of the slot
  std::vector<std::uint8_t> whole;   // what is resized of an array; an image while its pixels are changed
  std::vector<std::uint8_t> row;     // for flips
};

DrawnDecoder::DrawnDecoder(DrawnOptions options, const std::vector<ImageArray>& arrays, MakeImageReader make_external)
    : options_(std::move(options)),
      channels_(channels_of(options_.image.color)),
      arrays_(arrays),
      starts_{0},
      make_external_(std::move(make_external)),
      index_(make_seek_index(options_.image.seek_index_bytes)) {
  check_crop(options_.image);
  if (pixel_bytes_of(options_.image.color) != channels_ || options_.image.color == ColorMode::kIndex)
    throw std::invalid_argument("expected a colour mode of 8 bits a channel");
  if (options_.table && options_.table->channels() != channels_ && options_.table->channels() != 1)
    throw std::invalid_argument("table: expected as many channels as the images have, or one");
  for (const ImageArray& array : arrays_) {
    if (array.height != arrays_[0].height || array.width != arrays_[0].width)
      throw std::invalid_argument("arrays: expected images of one size");
    starts_.push_back(starts_.back() + array.n);
  }
}

std::uint64_t DrawnDecoder::add(const std::shared_ptr<const DrawnBatch>& batch) {
  const std::size_t n = batch->images.size();
  if (batch->samples.size() != n || batch->paths.size() != (arrays_.empty() ? n : 0))
    throw std::invalid_argument("expected a sample and a path for each image");
  for (std::size_t j = 0; j < n; ++j) {
    const DrawnImage& image = batch->images[j];
    check_drawn(image, options_.image.height, options_.image.width);
    if (image.erased.width > 0 &&
        (!options_.table || batch->erasing.size() != options_.table->channels() * options_.table->itemsize())) {
      throw std::invalid_argument("expected an element per channel to erase with");
    }
    if (!arrays_.empty() && (batch->samples[j] >= starts_.back() || image.size.width != arrays_[0].width ||
                             image.size.height != arrays_[0].height)) {
      throw std::invalid_argument("expected numbers of images, and their size");
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(batches_, [](const auto& entry) { return entry.second.expired(); });
  batches_.emplace(next_, batch);
  return next_++;
}

std::shared_ptr<const DrawnBatch> DrawnDecoder::batch(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = batches_.find(number);
  std::shared_ptr<const DrawnBatch> batch = found == batches_.end() ? nullptr : found->second.lock();
  if (!batch) throw StoppedError();  // its owner has gone: nobody will see the slots
  return batch;
}

std::size_t DrawnDecoder::slot_bytes() const noexcept {
  const std::size_t pixel_bytes = options_.table ? options_.table->channels() * options_.table->itemsize() : channels_;
  return options_.image.height * options_.image.width * pixel_bytes;
}

std::size_t DrawnDecoder::chunk_samples() const noexcept {
  if (arrays_.empty()) return 1;
  const std::size_t elements =
      std::max(arrays_[0].height * arrays_[0].width, options_.image.height * options_.image.width);
  return std::max<std::size_t>(1, kChunkElements / std::max<std::size_t>(1, elements * channels_));
}

std::unique_ptr<Workspace> DrawnDecoder::workspace() const { return std::make_unique<Scratch>(*this); }

void DrawnDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                          std::size_t& failed_at) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  failed_at = 0;
  const std::shared_ptr<const DrawnBatch> drawn = batch(key.seed);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    decode_one(*drawn, static_cast<std::size_t>(indices[j]), slots + j * slot_bytes(), scratch);
  }
}

void DrawnDecoder::decode_one(const DrawnBatch& batch, std::size_t j, std::byte* slot, Scratch& scratch) const {
  throw_if_stopped();
  const DrawnImage& image = batch.images.at(j);
  const std::size_t height = options_.image.height;
  const std::size_t width = options_.image.width;
  if (options_.table) scratch.pixels.resize(channels_ * width * height);
  std::uint8_t* const pixels = options_.table ? scratch.pixels.data() : reinterpret_cast<std::uint8_t*>(slot);
  if (!arrays_.empty()) {
    crop_array(batch.samples[j], image, scratch, pixels);
  } else {
    const Where where{batch.paths[j], batch.samples[j]};
    try {
      crop_file(batch.paths[j], image, scratch, pixels);
    } catch (const DecodeError& error) {
      throw DecodeError(where, error.message());
    } catch (const FormatError& error) {
      throw FormatError(where, error.message());
    } catch (const FileError& error) {
      throw FileError(where, error.code(), error.message());
    } catch (const std::logic_error& error) {
      throw DecodeError(where, error.what());
    }
  }
  apply_flips(image.flips, pixels, channels_, width, height, scratch.row);
  const ImageSize size{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)};
  change_pixels(image, pixels, size, channels_, scratch.whole);
  if (!options_.table) return;
  const PixelTable& table = *options_.table;
  if (table.channels() < channels_) {  // a grey image's channels are alike
    for (std::size_t i = 0; i < width * height; ++i) pixels[i] = pixels[channels_ * i];
  }
  table.apply(pixels, width * height, options_.planes, slot);
  fill_rectangle(image.erased, size, table.channels(), table.itemsize(), options_.planes, batch.erasing.data(), slot);
}

void DrawnDecoder::crop_file(const std::string& path, const DrawnImage& image, Scratch& scratch,
                             std::uint8_t* pixels) const {
  const ImageInfo info = scratch.reader.read_header(read_file(path, scratch.buffer), options_.image.max_pixels);
  if (info.size != image.size) {
    const auto text = [](ImageSize size) { return std::to_string(size.width) + " x " + std::to_string(size.height); };
    throw DecodeError(
        {}, "the file changed while it was read: expected " + text(image.size) + " pixels, found " + text(info.size));
  }
  scratch.cropper.fill(scratch.reader, info, 1, image.crop, options_.image, pixels);
}

void DrawnDecoder::crop_array(std::uint64_t index, const DrawnImage& image, Scratch& scratch,
                              std::uint8_t* pixels) const {
  const CropPlan& crop = image.crop;
  const std::size_t slot_stride = channels_ * options_.image.width;
  if (crop.wanted.width < options_.image.width || crop.wanted.height < options_.image.height) {
    fill_with({options_.image.pad_value.data(), channels_}, options_.image.width * options_.image.height, pixels);
  }
  const auto which = std::upper_bound(starts_.begin(), starts_.end(), index) - starts_.begin() - 1;
  const ImageArray& array = arrays_[static_cast<std::size_t>(which)];
  const std::uint64_t place = index - starts_[static_cast<std::size_t>(which)];
  const std::uint8_t* const source = array.data + static_cast<std::ptrdiff_t>(place) * array.image_stride;
  std::uint8_t* const target = pixels + crop.top * slot_stride + crop.left * channels_;
  if (crop.scaled.width == crop.source.width && crop.scaled.height == crop.source.height) {
    const Window window{crop.source.x + crop.wanted.x, crop.source.y + crop.wanted.y, crop.wanted.width,
                        crop.wanted.height};
    interleave(array, source, window, channels_, target, slot_stride);
    return;
  }
  const std::size_t stride = channels_ * crop.source.width;
  scratch.whole.resize(stride * crop.source.height);
  interleave(array, source, crop.source, channels_, scratch.whole.data(), stride);
  ResizeSpec spec;
  spec.in_height = crop.source.height;
  spec.in_width = crop.source.width;
  spec.channels = channels_;
  spec.out_height = crop.scaled.height;
  spec.out_width = crop.scaled.width;
  spec.filter = options_.image.filter;
  if (crop.wanted != all_of(crop.scaled)) spec.window = crop.wanted;
  scratch.resizers.get(spec).run(scratch.whole.data(), static_cast<std::ptrdiff_t>(stride), target,
                                 static_cast<std::ptrdiff_t>(slot_stride), scratch.resizing);
}

}  // namespace fastbatch
