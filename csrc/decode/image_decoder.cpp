// SPDX-License-Identifier: MIT
#include "decode/image_decoder.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/philox.h"
#include "decode/jpeg.h"
#include "decode/mirror.h"
#include "decode/resize_stream.h"

namespace fastbatch {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30U;
// The codec and the resize push each other out of the L1 cache whenever they take turns, so they do it as seldom as the
// L2 cache allows; but the codec makes at least 16 rows, a row of blocks of the commonest subsampling, at a time.
constexpr std::size_t kBytesAtOnce = std::size_t{768} << 10U;
constexpr std::size_t kFewestRowsAtOnce = 16;
constexpr std::size_t kKeptBytes = std::size_t{8} << 20U;  // more than this is given back after the image

template <typename T>
void give_back_giant(std::vector<T>& memory) {
  if (memory.capacity() * sizeof(T) > kKeptBytes) std::vector<T>().swap(memory);
}

}  // namespace

// What one worker needs; nothing of one sample reaches the next.
struct ImageDecoder::Bench : Workspace {
  FileBuffer file;
  JpegReader jpeg;
  ResizerCache resizers;
  std::vector<std::uint8_t> rows;     // as they come from the codec
  std::vector<std::uint8_t> resized;  // unless they go straight to the slot
  std::vector<std::byte> scratch;     // of the resize
};

ResizeSpec resize_spec(const CropPlan& plan, Filter filter, std::size_t channels) {
  ResizeSpec spec;
  spec.in_height = plan.source.height;
  spec.in_width = plan.source.width;
  spec.channels = channels;
  spec.out_height = plan.scaled.height;
  spec.out_width = plan.scaled.width;
  spec.filter = filter;
  if (plan.wanted != Window{0, 0, plan.scaled.width, plan.scaled.height}) spec.window = plan.wanted;
  return spec;
}

ImageDecoder::ImageDecoder(std::shared_ptr<const FileList> files, ImageOptions options)
    : files_(std::move(files)), options_(std::move(options)), channels_(channels_of(options_.color)) {
  kernels::Conversion& conversion = options_.conversion;
  conversion.src = DType::kU8;
  conversion.swap_bytes = false;
  conversion.from = kernels::Channels::kLast;
  // One scale for all channels that stay where they are: then an image is a row of numbers.
  conversion.channels =
      conversion.to == kernels::Channels::kFirst || conversion.scale.size() == channels_ ? channels_ : 1;
  check_crop(options_);
  if (pixel_bytes_of(options_.color) != channels_ || options_.color == ColorMode::kIndex) {
    throw std::invalid_argument("expected a colour mode of 8 bits a channel");
  }
  if (options_.apply_exif) throw std::invalid_argument("exif: expected ignore");
  if (conversion.scale.size() != conversion.shift.size() ||
      (!conversion.scale.empty() && conversion.scale.size() != conversion.channels)) {
    throw std::invalid_argument("expected a scale and a shift for each of " + std::to_string(channels_) +
                                " channels, or one for all");
  }
  converts_ = conversion.dst != DType::kU8 || conversion.to != kernels::Channels::kLast || !conversion.scale.empty();
}

std::size_t ImageDecoder::slot_bytes() const noexcept {
  return options_.height * options_.width * channels_ * size_of(options_.conversion.dst);
}

std::unique_ptr<Workspace> ImageDecoder::workspace() const { return std::make_unique<Bench>(); }

void ImageDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                          std::size_t& failed_at) const {
  auto& bench = static_cast<Bench&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    const auto where = [&] { return Where{std::string((*files_)[indices[j]]), indices[j]}; };
    try {
      decode_file(indices[j], key, slots + j * slot_bytes(), bench);
    } catch (const DecodeError& error) {
      throw DecodeError(where(), error.message());
    } catch (const FormatError& error) {
      throw FormatError(where(), error.message());
    } catch (const FileError& error) {
      throw FileError(where(), error.code());
    }
  }
}

void ImageDecoder::decode_file(std::uint64_t index, StreamKey key, std::byte* slot, Bench& bench) const {
  ImageReader& reader = bench.jpeg;
  const std::span<const std::byte> file = bench.file.read((*files_)[index], kMaxFileBytes);
  const ImageSize size = reader.read_header(file, options_.max_pixels).size;
  const CropPlan plan = plan_crop(size, options_, Stream(key.seed, key.epoch, index, Operation::kCrop));
  const Resizer& resizer = bench.resizers.get(resize_spec(plan, options_.filter, channels_));
  const std::size_t stride = channels_ * size.width;
  const std::size_t out_stride = channels_ * options_.width;
  const std::size_t rows = std::min<std::size_t>(std::max(kBytesAtOnce / stride, kFewestRowsAtOnce), size.height);
  bench.rows.resize(stride * rows);
  if (converts_) bench.resized.resize(out_stride * options_.height);
  std::uint8_t* pixels = converts_ ? bench.resized.data() : reinterpret_cast<std::uint8_t*>(slot);
  if (plan.wanted.width < options_.width || plan.wanted.height < options_.height) {
    for (std::size_t i = 0; i < out_stride * options_.height; ++i) pixels[i] = options_.pad_value[i % channels_];
  }

  ResizeStream resized(resizer, pixels + plan.top * out_stride + channels_ * plan.left,
                       static_cast<std::ptrdiff_t>(out_stride), bench.scratch);
  reader.start(options_.color, {});
  std::size_t y = 0;
  while (const std::size_t n = reader.read_rows(bench.rows.data(), rows)) {
    const std::size_t begin = std::max(y, plan.source.y);
    const std::size_t end = std::min(y + n, plan.source.y + plan.source.height);
    if (begin < end) {
      resized.push(bench.rows.data() + (begin - y) * stride + channels_ * plan.source.x,
                   static_cast<std::ptrdiff_t>(stride), end - begin);
    }
    y += n;
  }
  reader.finish();

  const auto drawn = [&](Operation operation) { return Stream(key.seed, key.epoch, index, operation).uniform() < 0.5; };
  if (options_.flip && drawn(Operation::kFlip)) {
    mirror_rows(pixels, channels_, options_.width, options_.height, bench.rows);
  }
  if (options_.vertical_flip && drawn(Operation::kVerticalFlip)) {
    for (std::size_t top = 0; top < options_.height / 2; ++top) {
      std::uint8_t* row = pixels + top * out_stride;
      std::swap_ranges(row, row + out_stride, pixels + (options_.height - 1 - top) * out_stride);
    }
  }
  if (converts_) {
    kernels::convert(options_.conversion, reinterpret_cast<const std::byte*>(pixels), slot,
                     options_.height * options_.width * channels_ / options_.conversion.channels);
  }
  give_back_giant(bench.rows);
  give_back_giant(bench.scratch);
}

}  // namespace fastbatch
