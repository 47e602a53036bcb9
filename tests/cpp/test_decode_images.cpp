// SPDX-License-Identifier: MIT
// Files -> slots: the fused path against the same steps done one by one, geometry, flips, and errors that name the
// file.
#include <doctest/doctest.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "codecs/jpeg/reader.h"
#include "common/error.h"
#include "common/philox.h"
#include "decode/image_decoder.h"
#include "image/mirror.h"
#include "image/resize_stream.h"
#include "image/source_plan.h"
#include "jpeg_writer.h"
#include "source/file_list.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using Bytes = std::vector<std::byte>;
using Pixels = std::vector<std::uint8_t>;
using Folder = testing::TemporaryFolder;

Bytes jpeg(unsigned width, unsigned height, unsigned seed = 1) {
  return test::write_jpeg(test::test_pixels(width, height, 3, seed), width, height);
}

std::shared_ptr<const FileList> list(const std::vector<std::string>& paths) {
  auto files = std::make_shared<FileList>();
  for (const std::string& path : paths) files->add(path);
  return files;
}

Bytes decode(const ImageDecoder& decoder, const std::vector<std::uint64_t>& indices, StreamKey key = {}) {
  Bytes slots(indices.size() * decoder.slot_bytes());
  std::size_t failed_at = 0;
  const auto workspace = decoder.workspace();
  decoder.decode(indices, key, slots.data(), *workspace, failed_at);
  return slots;
}

// The same, one step after the other, each with its whole image in memory.
Bytes step_by_step(const Bytes& file, const ImageOptions& options, bool mirrored) {
  JpegReader codec;
  const ImageSize size = codec.read_header(file, kMaxPixels).size;
  Pixels pixels(3 * size.pixels());
  codec.start(ColorMode::kRgb, {});
  codec.read_rows(pixels.data(), size.height);
  codec.finish();
  const CropPlan plan = plan_crop(size, options, Stream(0, 0, 0));
  ResizeSpec whole = plan_source(plan, size, 1, 1, options.filter, 3).resize;
  const Window window = plan.wanted;
  whole.window.reset();
  const Resizer resizer(whole);
  Pixels resized(3 * whole.out_width * whole.out_height);
  std::vector<std::byte> scratch;
  resizer.run(pixels.data(), static_cast<std::ptrdiff_t>(3 * size.width), resized.data(),
              static_cast<std::ptrdiff_t>(3 * whole.out_width), scratch);
  Bytes slot(3 * options.width * options.height * size_of(options.conversion.dst));
  Bytes cropped;
  for (std::size_t y = 0; y < options.height; ++y) {
    for (std::size_t x = 0; x < options.width; ++x) {
      const std::size_t column = window.x + (mirrored ? options.width - 1 - x : x);
      for (std::size_t c = 0; c < 3; ++c) {
        cropped.push_back(std::byte{resized[((window.y + y) * whole.out_width + column) * 3 + c]});
      }
    }
  }
  kernels::Conversion conversion = options.conversion;
  conversion.channels = conversion.scale.size() == 1 ? 1 : 3;
  kernels::convert(conversion, cropped.data(), slot.data(), cropped.size() / conversion.channels);
  return slot;
}

TEST_CASE("the fused path gives the bytes of its steps") {
  const Folder folder;
  const std::vector<Bytes> files = {jpeg(50, 37),    jpeg(37, 50, 2), jpeg(20, 200, 3), jpeg(300, 20, 4),
                                    jpeg(32, 32, 5), jpeg(1, 1, 6),   jpeg(224, 224, 7)};
  std::vector<std::string> paths;
  for (const Bytes& file : files) paths.push_back(folder.write(std::to_string(paths.size()) + ".jpg", file));
  const auto paths_list = list(paths);

  for (const Crop crop : {Crop::kNone, Crop::kCenter}) {
    for (const Filter filter : {Filter::kNearest, Filter::kBilinear, Filter::kLanczos}) {
      for (const int output : {0, 1, 2, 3}) {
        ImageOptions options;
        options.height = 30;
        options.width = 41;
        options.crop = crop;
        options.resize = crop == Crop::kCenter ? 48 : 0;
        options.filter = filter;
        options.flip = true;
        if (output == 1 || output == 2) options.conversion.to = kernels::Channels::kFirst;
        if (output == 2) {
          options.conversion.dst = DType::kF32;
          options.conversion.scale = {0.5, 0.25, 0.125};
          options.conversion.shift = {-1, 0, 1};
        }
        if (output == 3) {
          options.conversion.dst = DType::kF32;
          options.conversion.scale = {1.0 / 255};
          options.conversion.shift = {0};
        }
        const ImageDecoder decoder(paths_list, options);
        CHECK(decoder.size() == files.size());
        CHECK(decoder.slot_bytes() == 30 * 41 * 3 * (output >= 2 ? 4 : 1));
        const StreamKey key{7, 3};
        std::vector<std::uint64_t> indices;
        Bytes expected;
        for (std::size_t i = files.size(); i-- > 0;) {
          indices.push_back(i);
          const Bytes slot = step_by_step(files[i], options, Stream(7, 3, i).uniform() < 0.5);
          expected.insert(expected.end(), slot.begin(), slot.end());
        }
        CAPTURE(output);
        CHECK(decode(decoder, indices, key) == expected);
      }
    }
  }
}

TEST_CASE("mirrored rows") {
  Pixels row;
  for (std::size_t width = 0; width < 70; ++width) {
    for (const std::size_t height : {0U, 1U, 3U}) {
      for (const std::size_t bytes : {1U, 2U, 3U, 4U}) {
        Pixels pixels =
            test::test_pixels(static_cast<unsigned>(width), static_cast<unsigned>(height), static_cast<int>(bytes));
        Pixels expected;
        for (std::size_t y = 0; y < height; ++y) {
          for (std::size_t x = width; x-- > 0;) {
            for (std::size_t c = 0; c < bytes; ++c) expected.push_back(pixels[(y * width + x) * bytes + c]);
          }
        }
        mirror_rows(pixels.data(), bytes, width, height, row);
        CHECK(pixels == expected);
      }
    }
  }
}

TEST_CASE("a flip depends on seed, epoch and sample alone, and half of the samples flip") {
  const Folder folder;
  const std::string path = folder.write("one.jpg", jpeg(16, 16));
  ImageOptions options;
  options.height = options.width = 16;
  const ImageDecoder plain(list({path}), options);
  options.flip = true;
  const ImageDecoder flipping(list(std::vector<std::string>(400, path)), options);
  const Bytes upright = decode(plain, {0});
  std::size_t n_flipped = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const Bytes slot = decode(flipping, {i}, {11, 2});
    const bool flipped = Stream(11, 2, i).uniform() < 0.5;
    CHECK((slot != upright) == flipped);
    n_flipped += flipped ? 1U : 0U;
  }
  CHECK(n_flipped > 150);
  CHECK(n_flipped < 250);
}

TEST_CASE("a broken file is named, with its place, wherever it stands; the workspace goes on") {
  const Folder folder;
  const std::string good = folder.write("good one.jpg", jpeg(40, 30));
  Bytes half = jpeg(40, 30);
  half.erase(half.end() - 100, half.end());
  const std::string broken = folder.write("br\u00fcken .jpg", half);
  const std::string page = folder.write("page.jpg", Bytes{std::byte{'<'}, std::byte{'h'}, std::byte{'>'}});
  const std::string empty = folder.write("empty.jpg", Bytes{});
  const std::string missing = folder / "missing.jpg";
  ImageOptions options;
  options.height = options.width = 8;
  const ImageDecoder decoder(list({good, broken, page, empty, missing}), options);
  const auto workspace = decoder.workspace();
  Bytes slots(3 * decoder.slot_bytes());
  const Bytes expected = decode(decoder, {0});

  for (const std::uint64_t bad : {1U, 2U, 3U, 4U}) {
    for (std::size_t place = 0; place < 3; ++place) {
      std::vector<std::uint64_t> indices(3, 0);
      indices[place] = bad;
      std::size_t failed_at = 99;
      std::string message;
      Where where;
      try {
        decoder.decode(indices, {}, slots.data(), *workspace, failed_at);
      } catch (const DecodeError& error) {
        message = error.message();
        where = error.where();
        CHECK(bad != 4);
      } catch (const FileError& error) {
        CHECK(error.code() == ENOENT);
        message = error.message();
        where = error.where();
        CHECK(bad == 4);
      }
      CHECK(failed_at == place);
      CHECK(where.path == std::vector<std::string>{good, broken, page, empty, missing}[bad]);
      CHECK(where.sample == bad);
      if (bad == 1) CHECK(message.starts_with("JPEG ends early: expected 30 rows, found "));
      if (bad == 2)
        CHECK(message ==
              "not an image of a known format (for more: pip install pillow): expected JPEG, PNG or WebP, found HTML "
              "or XML");
      if (bad == 3)
        CHECK(message ==
              "not an image of a known format (for more: pip install pillow): expected JPEG, PNG or WebP, found an "
              "empty file");
      CHECK(std::equal(expected.begin(), expected.end(), slots.begin()) == (place > 0));
      std::fill(slots.begin(), slots.end(), std::byte{0});
    }
  }
}

TEST_CASE("options that contradict each other are refused") {
  const auto files = list({"x.jpg"});
  const auto refuse = [&](auto change) {
    ImageOptions options;
    change(options);
    CHECK_THROWS_AS(ImageDecoder(files, options), std::invalid_argument);
  };
  refuse([](ImageOptions& o) { o.height = 0; });
  refuse([](ImageOptions& o) { o.width = 0; });
  refuse([](ImageOptions& o) { o.crop = Crop::kCenter; });
  refuse([](ImageOptions& o) {
    o.crop = Crop::kCenter;
    o.resize = 223;
  });
  refuse([](ImageOptions& o) { o.conversion.scale = {1, 1, 1}; });
  refuse([](ImageOptions& o) { o.conversion.scale = o.conversion.shift = {1, 1}; });
  refuse([](ImageOptions& o) {
    o.conversion.scale = o.conversion.shift = {1};
    o.conversion.to = kernels::Channels::kFirst;
  });
}

TEST_CASE("the limit on pixels is the one that was given") {
  const Folder folder;
  ImageOptions options;
  options.max_pixels = 100;
  const ImageDecoder decoder(list({folder.write("large.jpg", jpeg(11, 10))}), options);
  CHECK_THROWS_WITH_AS(
      decode(decoder, {0}),
      ((folder / "large.jpg") + ": sample 0: image too large: expected at most 100 pixels, found 11 x 10").c_str(),
      DecodeError);
}

}  // namespace
}  // namespace fastbatch
