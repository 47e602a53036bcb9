// SPDX-License-Identifier: MIT
// Images whose numbers the caller has drawn: slots from files and from arrays against the same pixels by hand; tables,
// colours, erased rectangles; and what is refused.
#include <doctest/doctest.h>
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/stop.h"
#include "decode/drawn_decoder.h"
#include "image/enhance.h"
#include "jpeg_writer.h"
#include "temporary_folder.h"

using namespace fastbatch;

namespace {

constexpr std::size_t kHeight = 5, kWidth = 4;

std::vector<std::uint8_t> ramp(std::size_t n) {
  std::vector<std::uint8_t> pixels(n);
  for (std::size_t i = 0; i < n; ++i) pixels[i] = static_cast<std::uint8_t>(7 * i + 3);
  return pixels;
}

ImageArray array_of(const std::vector<std::uint8_t>& pixels, std::size_t n, bool planes = false) {
  constexpr auto kPixels = static_cast<std::ptrdiff_t>(kHeight * kWidth);
  const auto width = static_cast<std::ptrdiff_t>(kWidth);
  if (planes) return {pixels.data(), n, kHeight, kWidth, 3 * kPixels, width, 1, kPixels};
  return {pixels.data(), n, kHeight, kWidth, 3 * kPixels, 3 * width, 3, 1};
}

DrawnOptions options_of(std::size_t height, std::size_t width) {
  DrawnOptions options;
  options.image.height = height;
  options.image.width = width;
  return options;
}

DrawnImage whole() {
  DrawnImage image;
  image.size = {kWidth, kHeight};
  image.crop.source = image.crop.wanted = {0, 0, kWidth, kHeight};
  image.crop.scaled = image.size;
  return image;
}

std::shared_ptr<DrawnBatch> batch_of(std::vector<DrawnImage> images, std::vector<std::uint64_t> samples) {
  auto batch = std::make_shared<DrawnBatch>();
  batch->images = std::move(images);
  batch->samples = std::move(samples);
  return batch;
}

std::vector<std::uint8_t> decode(DrawnDecoder& decoder, const std::shared_ptr<const DrawnBatch>& batch) {
  std::vector<std::uint64_t> indices(batch->images.size());
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  std::vector<std::byte> slots(indices.size() * decoder.slot_bytes());
  std::size_t failed_at = 0;
  const std::unique_ptr<Workspace> workspace = decoder.workspace();
  decoder.decode(indices, {.seed = decoder.add(batch)}, slots.data(), *workspace, failed_at);
  std::vector<std::uint8_t> bytes(slots.size());
  std::memcpy(bytes.data(), slots.data(), slots.size());
  return bytes;
}

}  // namespace

TEST_CASE("a crop of an array, with padding and flips, from interleaved pixels and from planes") {
  const std::vector<std::uint8_t> pixels = ramp(std::size_t{2} * kHeight * kWidth * 3);
  for (const bool planes : {false, true}) {
    DrawnOptions options = options_of(4, 6);
    options.image.pad_value = {1, 2, 3};
    DrawnDecoder decoder(options, {array_of(pixels, 2, planes)});
    DrawnImage image = whole();
    image.crop.source = image.crop.wanted = {1, 2, 3, 3};  // its part of 3 x 3 pixels from (1, 2)
    image.crop.wanted = {0, 0, 3, 3};
    image.crop.scaled = {3, 3};
    image.crop.left = 2;
    image.crop.top = 1;
    image.flips.horizontal = true;
    const std::vector<std::uint8_t> slot = decode(decoder, batch_of({image}, {1}));
    REQUIRE(slot.size() == 4 * 6 * 3);
    for (std::size_t y = 0; y < 4; ++y) {
      for (std::size_t x = 0; x < 6; ++x) {
        const std::size_t from_x = 5 - x;  // before the flip
        for (std::size_t c = 0; c < 3; ++c) {
          const bool inside = y >= 1 && from_x >= 2 && from_x < 5;
          const std::size_t row = y + 1;  // 2 + y - 1
          const std::size_t column = from_x - 2 + 1;
          const std::size_t at = planes ? (c * kHeight + row) * kWidth + column : (row * kWidth + column) * 3 + c;
          const std::uint8_t expected = inside ? pixels[kHeight * kWidth * 3 + at] : static_cast<std::uint8_t>(c + 1);
          CHECK(slot[(y * 6 + x) * 3 + c] == expected);
        }
      }
    }
  }
}

TEST_CASE("images of several arrays are numbered through") {
  const std::vector<std::uint8_t> first = ramp(std::size_t{2} * kHeight * kWidth * 3);
  std::vector<std::uint8_t> second = ramp(std::size_t{1} * kHeight * kWidth * 3);
  for (std::uint8_t& pixel : second) pixel = static_cast<std::uint8_t>(255 - pixel);
  DrawnDecoder decoder(options_of(kHeight, kWidth), {array_of(first, 2), array_of(second, 1)});
  const std::size_t size = kHeight * kWidth * 3;
  const std::vector<std::uint8_t> slots = decode(decoder, batch_of({whole(), whole(), whole()}, {2, 0, 1}));
  CHECK(std::equal(second.begin(), second.end(), slots.begin()));
  CHECK(std::equal(first.begin(), first.end(), slots.begin() + static_cast<std::ptrdiff_t>(size)));
  CHECK_THROWS_AS(decode(decoder, batch_of({whole()}, {3})), std::invalid_argument);
  ImageArray narrow = array_of(second, 1);
  narrow.width -= 1;
  CHECK_THROWS_AS(DrawnDecoder(options_of(kHeight, kWidth), {array_of(first, 2), narrow}), std::invalid_argument);
}

TEST_CASE("a table gives the elements, in planes or interleaved, and a rectangle is erased") {
  const std::vector<std::uint8_t> pixels = ramp(kHeight * kWidth * 3);
  std::vector<std::uint16_t> elements(std::size_t{3} * 256);
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<std::uint16_t>(60'000 - 11 * i);
  for (const bool planes : {false, true}) {
    DrawnOptions options = options_of(kHeight, kWidth);
    options.table.emplace(3, 2, std::as_bytes(std::span(elements)));
    options.planes = planes;
    DrawnDecoder decoder(options, {array_of(pixels, 1)});
    DrawnImage image = whole();
    image.erased = {1, 2, 2, 1};
    const auto batch = batch_of({image}, {0});
    CHECK_THROWS_AS(decoder.add(batch), std::invalid_argument);  // with what?
    const std::vector<std::uint16_t> erasing{5, 6, 7};
    batch->erasing.resize(6);
    std::memcpy(batch->erasing.data(), erasing.data(), 6);
    const std::vector<std::uint8_t> slot = decode(decoder, batch);
    for (std::size_t i = 0; i < kHeight * kWidth; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        const bool is_erased = i == 2 * kWidth + 1 || i == 2 * kWidth + 2;
        std::uint16_t found = 0;
        std::memcpy(&found, slot.data() + 2 * (planes ? c * kHeight * kWidth + i : 3 * i + c), 2);
        CHECK(found == (is_erased ? erasing[c] : elements[256 * c + pixels[3 * i + c]]));
      }
    }
  }
}

TEST_CASE("colours change in their order") {
  std::vector<std::uint8_t> pixels = ramp(kHeight * kWidth * 3);
  DrawnDecoder decoder(options_of(kHeight, kWidth), {array_of(pixels, 1)});
  DrawnImage image = whole();
  image.changes = {{PixelChange::Kind::kBrightness, 0.5F},
                   {PixelChange::Kind::kContrast, 1.5F},
                   {PixelChange::Kind::kHue, 40},
                   {PixelChange::Kind::kSaturation, 0.3F},
                   {PixelChange::Kind::kGrey, 0}};
  const std::vector<std::uint8_t> slot = decode(decoder, batch_of({image}, {0}));
  const ByteImage bytes{pixels.data(), kHeight * kWidth, 3};
  enhance_brightness(bytes, 0.5F);
  enhance_contrast(bytes, 1.5F);
  rotate_hue(bytes, 40);
  enhance_saturation(bytes, 0.3F);
  make_grey(bytes);
  CHECK(slot == pixels);
}

TEST_CASE("files: an error names the file and the sample; another size than expected is one") {
  const testing::TemporaryFolder folder;
  const std::vector<std::byte> jpeg = test::write_jpeg(test::test_pixels(kWidth, kHeight, 3, 1), kWidth, kHeight);
  const std::string path = folder.write("photo.jpg", jpeg);
  DrawnDecoder decoder(options_of(kHeight, kWidth), {});
  const auto batch = batch_of({whole()}, {17});
  CHECK_THROWS_AS(decoder.add(batch), std::invalid_argument);  // no path
  batch->paths = {path};
  CHECK(decode(decoder, batch).size() == kHeight * kWidth * 3);
  batch->images[0].size.width = kWidth + 1;
  CHECK_THROWS_WITH_AS(
      decode(decoder, batch),
      (path + ": sample 17: the file changed while it was read: expected 5 x 5 pixels, found 4 x 5").c_str(),
      DecodeError);
  std::filesystem::remove(path);
  CHECK_THROWS_AS(decode(decoder, batch), FileError);
}

TEST_CASE("what does not fit is refused when the batch is added") {
  const std::vector<std::uint8_t> pixels = ramp(kHeight * kWidth * 3);
  DrawnDecoder decoder(options_of(kHeight, kWidth), {array_of(pixels, 1)});
  const auto refused = [&](const auto& change) {
    DrawnImage image = whole();
    change(image);
    CHECK_THROWS_AS(decoder.add(batch_of({image}, {0})), std::invalid_argument);
  };
  refused([](DrawnImage& image) { image.crop.source.x = 1; });
  refused([](DrawnImage& image) { image.crop.source.x = static_cast<std::size_t>(-1); });
  refused([](DrawnImage& image) { image.crop.source.width = 0; });
  refused([](DrawnImage& image) { image.crop.scaled.height = 0; });
  refused([](DrawnImage& image) { image.crop.scaled.height = kHeight - 1; });
  refused([](DrawnImage& image) { image.crop.wanted.width = 0; });
  refused([](DrawnImage& image) { image.crop.left = 1; });
  refused([](DrawnImage& image) { image.crop.top = static_cast<std::size_t>(-1); });
  refused([](DrawnImage& image) { image.erased = {0, 0, kWidth + 1, 1}; });
  refused([](DrawnImage& image) { image.size.width = kWidth + 1; });
  CHECK_THROWS_AS(decoder.add(batch_of({whole()}, {1})), std::invalid_argument);
  CHECK_THROWS_AS(decoder.add(batch_of({whole()}, {})), std::invalid_argument);
  const std::vector<std::byte> short_table(255);
  CHECK_THROWS_AS(PixelTable(1, 1, short_table), std::invalid_argument);
  CHECK_THROWS_AS(PixelTable(1, 3, short_table), std::invalid_argument);
  CHECK_THROWS_AS(PixelTable(5, 1, short_table), std::invalid_argument);
}

TEST_CASE("a batch whose owner has gone is not decoded") {
  const std::vector<std::uint8_t> pixels = ramp(kHeight * kWidth * 3);
  DrawnDecoder decoder(options_of(kHeight, kWidth), {array_of(pixels, 1)});
  const std::uint64_t number = decoder.add(batch_of({whole()}, {0}));
  std::vector<std::byte> slot(decoder.slot_bytes());
  const std::vector<std::uint64_t> indices{0};
  std::size_t failed_at = 0;
  const std::unique_ptr<Workspace> workspace = decoder.workspace();
  CHECK_THROWS_AS(decoder.decode(indices, {.seed = number}, slot.data(), *workspace, failed_at), StoppedError);
}
