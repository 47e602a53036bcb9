// SPDX-License-Identifier: MIT
// Masks and matrices against the image decoder, which draws from the same streams.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "decode/image_decoder.h"
#include "decode/mask_decoder.h"
#include "decode/matrix_decoder.h"
#include "jpeg_writer.h"
#include "source/file_list.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using Bytes = std::vector<std::byte>;

// Gray JPEGs of several sizes in a folder that is removed afterwards.
class Photos {
 public:
  Photos() {
    const unsigned sizes[][2] = {{50, 37}, {37, 50}, {20, 90}, {64, 64}, {1, 1}, {33, 8}};
    for (const auto& [width, height] : sizes) {
      add(test::write_jpeg(test::test_pixels(width, height, 1, width), width, height, {.components = 1}));
    }
  }

  void add(const Bytes& file) { paths_.push_back(folder_.write(std::to_string(paths_.size()) + ".jpg", file)); }
  [[nodiscard]] const std::string& path(std::size_t i) const { return paths_[i]; }
  [[nodiscard]] std::shared_ptr<const FileList> list(std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5}) const {
    auto files = std::make_shared<FileList>();
    for (const std::size_t i : order) files->add(paths_[i]);
    return files;
  }

 private:
  testing::TemporaryFolder folder_;
  std::vector<std::string> paths_;
};

Bytes decode(const Decoder& decoder, const std::vector<std::uint64_t>& indices, StreamKey key) {
  Bytes slots(indices.size() * decoder.slot_bytes());
  std::size_t failed_at = 0;
  decoder.decode(indices, key, slots.data(), *decoder.workspace(), failed_at);
  return slots;
}

ImageOptions options_of(Crop crop) {
  ImageOptions options;
  options.height = 24;
  options.width = 31;
  options.crop = crop;
  options.resize = crop == Crop::kCenter ? 40 : 0;
  options.filter = Filter::kNearest;
  options.color = ColorMode::kGray;
  options.flip = options.vertical_flip = true;
  options.pad_value = {9, 9, 9, 9};
  return options;
}

TEST_CASE("an image is its own mask when its pixels are picked") {
  const Photos photos;
  for (const Crop crop : {Crop::kNone, Crop::kCenter, Crop::kRandom, Crop::kRandomResized, Crop::kPad}) {
    ImageOptions options = options_of(crop);
    for (const bool moves : {false, true}) {
      if (moves) {
        AugmentOptions augment;
        augment.affine.rotation = {-30, 30};
        augment.affine.zoom = {0.8, 1.2};
        augment.affine.order = 0;
        augment.affine.fill = kernels::Fill::kConstant;
        augment.affine.fill_value = 9;
        options.augmentation = std::make_shared<const Augmentation>(augment);
      }
      const ImageDecoder images(photos.list(), options);
      const MaskDecoder masks(photos.list(), photos.list(), options);
      CHECK(masks.size() == 6);
      CHECK(masks.slot_bytes() == 24 * 31);
      for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
        CHECK(decode(masks, {3, 1, 0, 5, 2, 4}, {7, epoch}) == decode(images, {3, 1, 0, 5, 2, 4}, {7, epoch}));
      }
    }
  }
}

TEST_CASE("the matrix of a stretched image takes its corners to those of the slot") {
  const Photos photos;
  ImageOptions options = options_of(Crop::kNone);
  options.flip = options.vertical_flip = false;
  const MatrixDecoder matrices(photos.list(), options);
  CHECK(matrices.slot_bytes() == sizeof(Matrix));
  const Bytes slots = decode(matrices, {2, 0}, {});
  Matrix m;
  std::memcpy(m.data(), slots.data(), sizeof(m));
  CHECK(m == Matrix{31.0 / 20, 0, 0, 0, 24.0 / 90, 0});
  std::memcpy(m.data(), slots.data() + sizeof(m), sizeof(m));
  CHECK(m == Matrix{31.0 / 50, 0, 0, 0, 24.0 / 37, 0});
}

TEST_CASE("masks that do not fit are named, with their place") {
  Photos photos;
  photos.add(Bytes{std::byte{'<'}});
  photos.add(test::write_jpeg(test::test_pixels(50, 37, 3, 1), 50, 37));
  const ImageOptions options = options_of(Crop::kNone);
  const auto refused = [&](std::size_t image, std::size_t mask, std::size_t named, const std::string& what) {
    const MaskDecoder masks(photos.list({0, image}), photos.list({0, mask}), options);
    Bytes slots(2 * masks.slot_bytes());
    std::size_t failed_at = 9;
    try {
      masks.decode(std::vector<std::uint64_t>{0, 1}, {}, slots.data(), *masks.workspace(), failed_at);
      FAIL("not refused");
    } catch (const DecodeError& error) {
      CHECK(error.where().path == photos.path(named));
      CHECK(error.where().sample == 1);
      CHECK(error.message().starts_with(what));
    }
    CHECK(failed_at == 1);
  };
  refused(0, 1, 1, "mask of another size than its image: expected 50 x 37, found 37 x 50");
  refused(0, 6, 6, "not an image");
  refused(6, 0, 6, "not an image");
  refused(0, 7, 7, "not a mask: expected a palette or grayscale image, found mode RGB");
  CHECK_THROWS_AS(MaskDecoder(photos.list({0}), photos.list({0, 1}), options), std::invalid_argument);
}

}  // namespace
}  // namespace fastbatch
