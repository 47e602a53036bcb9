// SPDX-License-Identifier: MIT
// A file into a crop: exact is what the steps give one after the other, fast is the same where nothing is scaled and
// close to it where the codec scales.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "codecs/color.h"
#include "codecs/jpeg/reader.h"
#include "codecs/registry.h"
#include "common/error.h"
#include "image/cropper.h"
#include "image/source_plan.h"
#include "image/turn.h"
#include "jpeg_writer.h"

namespace fastbatch {
namespace {

using Bytes = std::vector<std::byte>;
using Pixels = std::vector<std::uint8_t>;

struct Image {
  ImageSize size{};
  std::size_t channels = 3;
  Pixels pixels;
  [[nodiscard]] const std::uint8_t* at(std::size_t x, std::size_t y) const {
    return pixels.data() + (y * size.width + x) * channels;
  }
};

// By the definition of EXIF's values: which stored pixel stands at (x, y) of the upright image.
Image turn(const Image& stored, std::uint8_t orientation) {
  Image upright{turned(stored.size, orientation), stored.channels, {}};
  const std::size_t right = stored.size.width - 1;
  const std::size_t bottom = stored.size.height - 1;
  for (std::size_t y = 0; y < upright.size.height; ++y) {
    for (std::size_t x = 0; x < upright.size.width; ++x) {
      const std::pair<std::size_t, std::size_t> from[] = {
          {x, y}, {right - x, y},  {right - x, bottom - y}, {x, bottom - y},
          {y, x}, {y, bottom - x}, {right - y, bottom - x}, {right - y, x}};
      const std::uint8_t* pixel = stored.at(from[orientation - 1].first, from[orientation - 1].second);
      upright.pixels.insert(upright.pixels.end(), pixel, pixel + stored.channels);
    }
  }
  return upright;
}

Image decode(JpegReader& reader, const Bytes& file, ColorMode mode) {
  Image image{reader.read_header(file, kMaxPixels).size, channels_of(mode), {}};
  image.pixels.resize(image.size.pixels() * image.channels);
  reader.start(mode, {});
  reader.read_rows(image.pixels.data(), image.size.height);
  reader.finish();
  return image;
}

// Cut out, then resize, then cut again.
Pixels step_by_step(const Image& upright, const CropPlan& plan, const ImageOptions& options) {
  const std::size_t channels = upright.channels;
  Pixels cut;
  for (std::size_t y = 0; y < plan.source.height; ++y) {
    const std::uint8_t* row = upright.at(plan.source.x, plan.source.y + y);
    cut.insert(cut.end(), row, row + plan.source.width * channels);
  }
  ResizeSpec spec;
  spec.in_height = plan.source.height;
  spec.in_width = plan.source.width;
  spec.channels = channels;
  spec.out_height = plan.scaled.height;
  spec.out_width = plan.scaled.width;
  spec.filter = options.filter;
  Pixels resized(channels * spec.out_height * spec.out_width);
  std::vector<std::byte> scratch;
  Resizer(spec).run(cut.data(), static_cast<std::ptrdiff_t>(channels * spec.in_width), resized.data(),
                    static_cast<std::ptrdiff_t>(channels * spec.out_width), scratch);
  Pixels slot(options.height * options.width * channels, 0x55);
  for (std::size_t y = 0; y < plan.wanted.height; ++y) {
    std::memcpy(slot.data() + ((plan.top + y) * options.width + plan.left) * channels,
                resized.data() + ((plan.wanted.y + y) * spec.out_width + plan.wanted.x) * channels,
                plan.wanted.width * channels);
  }
  return slot;
}

Pixels crop(ImageCropper& cropper, JpegReader& reader, const Bytes& file, std::uint64_t draw,
            const ImageOptions& options) {
  ImageInfo info = reader.read_header(file, kMaxPixels);
  info.codec = codec_of(file);  // as ImageFileReader does
  const std::uint8_t orientation = options.apply_exif ? info.orientation : std::uint8_t{1};
  const CropPlan plan = plan_crop(turned(info.size, orientation), options, Stream(1, 2, draw, Operation::kCrop));
  Pixels slot(options.height * options.width * channels_of(options.color), 0x55);
  cropper.run(reader, info, orientation, plan, options, slot.data());
  return slot;
}

double psnr(const Pixels& a, const Pixels& b) {
  double sum = 0.001;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(int{a[i]} - int{b[i]}, 2);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / sum);
}

constexpr std::pair<Crop, std::size_t> kCrops[] = {{Crop::kNone, 0},    {Crop::kCenter, 40},       {Crop::kRandom, 0},
                                                   {Crop::kRandom, 48}, {Crop::kRandomResized, 0}, {Crop::kPad, 0}};

TEST_CASE("every crop of an image in every position, exact and fast, is what its steps give") {
  JpegReader reader;
  ImageCropper cropper;
  test::JpegKind progressive;
  progressive.progressive = true;
  for (const auto& [width, height] : {std::pair{101U, 67U}, {30U, 90U}, {1U, 1U}}) {
    for (const test::JpegKind& kind : {test::JpegKind{}, progressive}) {
      const Bytes file = test::write_jpeg(test::test_pixels(width, height, 3), width, height, kind);
      for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
        const Bytes marked = test::with_orientation(file, orientation);
        CHECK(reader.read_header(marked, kMaxPixels).orientation == orientation);
        const ColorMode mode = orientation % 3 == 0 ? ColorMode::kGray : ColorMode::kRgb;
        const Image stored = decode(reader, file, mode);
        const Image upright = turn(stored, orientation);
        for (std::uint64_t draw = 0; draw < std::size(kCrops); ++draw) {
          ImageOptions options;
          options.height = 31;
          options.width = 40;
          options.crop = kCrops[draw].first;
          options.resize = kCrops[draw].second;
          options.color = mode;
          options.filter = draw % 2 == 0 ? Filter::kBilinear : Filter::kLanczos;
          options.apply_exif = true;
          const CropPlan plan = plan_crop(upright.size, options, Stream(1, 2, draw, Operation::kCrop));
          const Pixels expected = step_by_step(upright, plan, options);
          CAPTURE(width);
          CAPTURE(draw);
          CAPTURE(int{orientation});
          options.exact = true;
          CHECK(crop(cropper, reader, marked, draw, options) == expected);
          options.exact = false;
          options.dct_scale = false;
          CHECK(crop(cropper, reader, marked, draw, options) == expected);
          options.apply_exif = false;
          const CropPlan lying = plan_crop(stored.size, options, Stream(1, 2, draw, Operation::kCrop));
          CHECK(crop(cropper, reader, marked, draw, options) == step_by_step(stored, lying, options));
        }
      }
    }
  }
}

// Nothing finer than a few dozen pixels, so that scaling loses nothing but a shifted part is seen.
Bytes smooth(unsigned width, unsigned height) {
  Pixels pixels;
  for (unsigned y = 0; y < height; ++y) {
    for (unsigned x = 0; x < width; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(127 + 100 * std::sin(x / 20.0)));
      pixels.push_back(static_cast<std::uint8_t>(127 + 100 * std::sin(y / 23.0)));
      pixels.push_back(static_cast<std::uint8_t>(127 + 100 * std::sin((x + 2 * y) / 31.0)));
    }
  }
  test::JpegKind kind;
  kind.h_samp = kind.v_samp = 1;
  kind.quality = 98;
  return test::write_jpeg(pixels, width, height, kind);
}

TEST_CASE("what the codec scales lies where it should, whichever way the image is turned") {
  JpegReader reader;
  ImageCropper cropper;
  for (const auto& [width, height] : {std::pair{1203U, 805U}, {801U, 1206U}}) {
    const Bytes file = smooth(width, height);
    for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
      const Bytes marked = test::with_orientation(file, orientation);
      for (std::uint64_t draw = 0; draw < std::size(kCrops); ++draw) {
        ImageOptions options;
        options.height = 31;
        options.width = 40;
        options.crop = kCrops[draw].first;
        options.resize = kCrops[draw].second;
        options.apply_exif = true;
        const Pixels exact = crop(cropper, reader, marked, draw, options);
        options.exact = false;
        const Pixels fast = crop(cropper, reader, marked, draw, options);
        CAPTURE(int{orientation});
        CAPTURE(draw);
        CHECK(psnr(exact, fast) > 42);  // one pixel aside: 37
      }
    }
  }
}

TEST_CASE("the scale leaves twice the pixels of the result") {
  const auto pick = [](std::size_t width, std::size_t height, std::uint32_t to) {
    return pick_denominator({{0, 0, width, height}, {to, to}, {}, 0, 0}, 8);
  };
  CHECK(pick(500, 375, 224) == 1);
  CHECK(pick(896, 896, 224) == 2);
  CHECK(pick(895, 896, 224) == 1);
  CHECK(pick(896, 895, 224) == 1);
  CHECK(pick(4000, 3000, 224) == 4);
  CHECK(pick(3584, 3584, 224) == 8);
  CHECK(pick(60000, 60000, 224) == 8);
  CHECK(pick_denominator({{0, 0, 9000, 9000}, {10, 10}, {}, 0, 0}, 1) == 1);
}

TEST_CASE("colours weighted by alpha, and back") {
  for (unsigned alpha = 0; alpha < 256; ++alpha) {
    for (unsigned value = 0; value < 256; ++value) {
      const auto v = static_cast<std::uint8_t>(value);
      const auto a = static_cast<std::uint8_t>(alpha);
      Pixels pixel = {v, 0, 255, a};
      premultiply(pixel.data(), 1);
      const auto weighted = static_cast<std::uint8_t>((2 * value * alpha + 255) / 510);  // halves up
      CHECK(pixel == Pixels{weighted, 0, a, a});
      pixel[0] = v;
      unpremultiply(pixel.data(), 1);
      const unsigned back = alpha == 0 ? value : value * 255 / alpha;
      CHECK(pixel == Pixels{static_cast<std::uint8_t>(back > 255 ? 255 : back), 0, alpha == 0 ? a : Pixels{255}[0], a});
    }
  }
}

}  // namespace
}  // namespace fastbatch
