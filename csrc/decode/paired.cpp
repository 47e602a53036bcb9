// SPDX-License-Identifier: MIT
#include "decode/paired.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/philox.h"
#include "image/affine.h"
#include "image/image_cropper.h"
#include "image/mirror.h"
#include "kernels/warp.h"

namespace fastbatch {
namespace {

// A sample and its reader; the bytes stay for as long as the reader needs them.
struct OpenImage {
  explicit OpenImage(const MakeImageReader& make_foreign) : reader(make_foreign) {}
  ReadBuffer buffer;
  ImageFileReader reader;

  ImageInfo open(const SampleSource& source, std::uint64_t index, std::uint64_t max_pixels) {
    return reader.read_header(source.read(index, buffer), max_pixels);
  }
};

// Runs `work`; its errors are of sample `index`, unless they name a sample already.
template <typename Work>
void naming(const SampleSource& source, std::uint64_t index, const Work& work) {
  try {
    work();
  } catch (const DecodeError& error) {
    if (error.where().sample) throw;
    throw DecodeError(source.where(index), error.message());
  } catch (const FormatError& error) {
    throw FormatError(source.where(index), error.message());
  } catch (const FileError& error) {
    throw FileError(source.where(index), error.code());
  }
}

std::uint8_t orientation_of(const ImageInfo& info, const ImageOptions& options) {
  return options.apply_exif ? info.orientation : std::uint8_t{1};
}

std::optional<AffineMap> draw_affine(const ImageOptions& options, StreamKey key, std::uint64_t index) {
  if (!options.augmentation || !options.augmentation->options().affine.moves()) return std::nullopt;
  return affine_matrix(options.augmentation->options().affine, static_cast<double>(options.height),
                       static_cast<double>(options.width), Stream(key.seed, key.epoch, index, Operation::kAffine));
}

// The map says where a pixel comes from, (row, column) of centres; this is where a point goes, (x, y) of edges.
Matrix affine_way(const AffineMap& map) {
  const auto& [a, b, d, e] = map.matrix;
  const double det = a * e - b * d;
  const double y = map.offset[0] + 0.5;
  const double x = map.offset[1] + 0.5;
  return {a / det, -d / det, 0.5 - (a * x - d * y) / det, -b / det, e / det, 0.5 - (e * y - b * x) / det};
}

// `height` rows of `width` bytes, the last one first.
void turn_upside_down(std::uint8_t* pixels, std::size_t width, std::size_t height) {
  for (std::size_t y = 0; y < height / 2; ++y) {
    std::uint8_t* row = pixels + y * width;
    std::swap_ranges(row, row + width, pixels + (height - 1 - y) * width);
  }
}

std::string words(ImageSize size) { return std::to_string(size.width) + " x " + std::to_string(size.height); }

}  // namespace

Flips draw_flips(const ImageOptions& options, StreamKey key, std::uint64_t index) noexcept {
  const auto drawn = [&](Operation operation) { return Stream(key.seed, key.epoch, index, operation).uniform() < 0.5; };
  return {options.flip && drawn(Operation::kFlip), options.vertical_flip && drawn(Operation::kVerticalFlip)};
}

Matrix sample_matrix(ImageSize stored, std::uint8_t orientation, const ImageOptions& options, StreamKey key,
                     std::uint64_t index) {
  const CropPlan plan =
      plan_crop(turned(stored, orientation), options, Stream(key.seed, key.epoch, index, Operation::kCrop));
  const Flips flips = draw_flips(options, key, index);
  const Matrix matrix = then(then(turn_matrix(stored, orientation), crop_matrix(plan)),
                             flip_matrix(options.height, options.width, flips.horizontal, flips.vertical));
  const std::optional<AffineMap> map = draw_affine(options, key, index);
  return map ? then(matrix, affine_way(*map)) : matrix;
}

struct MatrixDecoder::Bench : Workspace {
  explicit Bench(const MakeImageReader& make_foreign) : image(make_foreign) {}
  OpenImage image;
};

MatrixDecoder::MatrixDecoder(std::shared_ptr<const SampleSource> images, const ImageOptions& options,
                             MakeImageReader make_foreign)
    : images_(std::move(images)), options_(options), make_foreign_(std::move(make_foreign)) {
  check_crop(options_);
}

std::unique_ptr<Workspace> MatrixDecoder::workspace() const { return std::make_unique<Bench>(make_foreign_); }

void MatrixDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots,
                           Workspace& workspace, std::size_t& failed_at) const {
  auto& bench = static_cast<Bench&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    const std::uint64_t index = indices[j];
    naming(*images_, index, [&] {
      const ImageInfo info = bench.image.open(*images_, index, options_.max_pixels);
      const Matrix matrix = sample_matrix(info.size, orientation_of(info, options_), options_, key, index);
      std::memcpy(slots + j * sizeof(Matrix), matrix.data(), sizeof(Matrix));
    });
  }
}

struct MaskDecoder::Bench : Workspace {
  explicit Bench(const MakeImageReader& make_foreign) : image(make_foreign), mask(make_foreign) {}
  OpenImage image;
  OpenImage mask;
  ImageCropper cropper;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> row;
  std::vector<float> moved;
};

MaskDecoder::MaskDecoder(std::shared_ptr<const SampleSource> images, std::shared_ptr<const SampleSource> masks,
                         ImageOptions options, MakeImageReader make_foreign)
    : images_(std::move(images)),
      masks_(std::move(masks)),
      options_(std::move(options)),
      make_foreign_(std::move(make_foreign)) {
  if (images_->size() != masks_->size()) {
    throw std::invalid_argument("expected " + std::to_string(images_->size()) + " masks, found " +
                                std::to_string(masks_->size()));
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

std::unique_ptr<Workspace> MaskDecoder::workspace() const { return std::make_unique<Bench>(make_foreign_); }

void MaskDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                         std::size_t& failed_at) const {
  auto& bench = static_cast<Bench&>(workspace);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    failed_at = j;
    decode_mask(indices[j], key, slots + j * slot_bytes(), bench);
  }
}

void MaskDecoder::decode_mask(std::uint64_t index, StreamKey key, std::byte* slot, Bench& bench) const {
  ImageInfo image;
  naming(*images_, index, [&] { image = bench.image.open(*images_, index, options_.max_pixels); });
  const std::uint8_t orientation = orientation_of(image, options_);
  naming(*masks_, index, [&] {
    const ImageInfo info = bench.mask.open(*masks_, index, options_.max_pixels);
    if (info.size != image.size) {
      throw DecodeError(
          {}, "mask of another size than its image: expected " + words(image.size) + ", found " + words(info.size));
    }
    const bool is_bits = info.mode == "1";
    ImageOptions options = options_;
    if (info.mode == "P") {
      options.color = ColorMode::kIndex;
    } else if (info.mode == "L" || is_bits) {
      options.color = ColorMode::kGray;
    } else {
      throw DecodeError(
          {}, "not a mask: expected a palette or 8-bit grayscale image, found mode " + std::string(info.mode));
    }
    const CropPlan plan =
        plan_crop(turned(info.size, orientation), options, Stream(key.seed, key.epoch, index, Operation::kCrop));
    const std::size_t n_pixels = options.height * options.width;
    bench.pixels.assign(n_pixels, options.pad_value[0]);
    bench.cropper.run(bench.mask.reader, info, orientation, plan, options, bench.pixels.data());
    for (std::size_t y = plan.top; is_bits && y < plan.top + plan.wanted.height; ++y) {
      std::uint8_t* row = bench.pixels.data() + y * options.width + plan.left;
      for (std::size_t x = 0; x < plan.wanted.width; ++x) row[x] = row[x] == 0 ? 0 : 1;
    }
    const Flips flips = draw_flips(options, key, index);
    if (flips.horizontal) mirror_rows(bench.pixels.data(), 1, options.width, options.height, bench.row);
    if (flips.vertical) turn_upside_down(bench.pixels.data(), options.width, options.height);
    if (const std::optional<AffineMap> map = draw_affine(options, key, index)) {
      const AffineOptions& affine = options.augmentation->options().affine;
      bench.moved.resize(n_pixels);
      kernels::warp({.height = options.height,
                     .width = options.width,
                     .channels = 1,
                     .matrix = map->matrix,
                     .offset = map->offset,
                     .order = 0,
                     .fill = affine.fill,
                     .fill_value = static_cast<float>(options.pad_value[0])},
                    bench.pixels.data(), bench.moved.data());
      std::ranges::transform(bench.moved, bench.pixels.begin(), [](float x) { return static_cast<std::uint8_t>(x); });
    }
    kernels::convert(options.conversion, reinterpret_cast<const std::byte*>(bench.pixels.data()), slot, n_pixels);
  });
}

}  // namespace fastbatch
