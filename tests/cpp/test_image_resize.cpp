// SPDX-License-Identifier: MIT
// Resize: the bytes Pillow 13 gave, the same on every target, in windows, from parts of the source, row by row.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "image/resize.h"
#include "image/resize_stream.h"
#include "kernels_on_all_targets.h"

namespace fastbatch {
namespace {

using Pixels = std::vector<std::uint8_t>;
using kernels::testing::on_all_targets;

constexpr std::array kFilters = {Filter::kNearest, Filter::kBox,     Filter::kBilinear,
                                 Filter::kHamming, Filter::kBicubic, Filter::kLanczos};

Pixels pattern(std::size_t height, std::size_t width, std::size_t channels) {
  Pixels pixels;
  pixels.reserve(height * width * channels);
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      for (std::uint32_t c = 0; c < channels; ++c) {
        std::uint32_t value = y * 2654435761U + x * 2246822519U + c * 3266489917U;
        value = (value ^ (value >> 15)) * 668265263U;
        pixels.push_back(static_cast<std::uint8_t>(value ^ (value >> 13)));
      }
    }
  }
  return pixels;
}

std::uint32_t fnv1a(const Pixels& bytes) {
  std::uint32_t hash = 2166136261U;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 16777619U;
  return hash;
}

ResizeSpec spec_of(std::size_t in_height, std::size_t in_width, std::size_t channels, std::size_t out_height,
                   std::size_t out_width, Filter filter = Filter::kBilinear, std::optional<Box> box = std::nullopt) {
  ResizeSpec spec;
  spec.in_height = in_height;
  spec.in_width = in_width;
  spec.channels = channels;
  spec.out_height = out_height;
  spec.out_width = out_width;
  spec.filter = filter;
  spec.box = box;
  return spec;
}

// Buffers are as long as the image and no longer, so that AddressSanitizer sees any step outside.
Pixels resize(const Resizer& resizer, const Pixels& src) {
  const ResizeSpec& spec = resizer.spec();
  const Window given = spec.given.value_or(Window{0, 0, spec.in_width, spec.in_height});
  const auto bytes = [&](std::size_t pixels) { return pixels * spec.channels; };
  Pixels dst(bytes(resizer.height() * resizer.width()), 0xA5);
  std::vector<std::byte> scratch;
  resizer.run(src.data(), static_cast<std::ptrdiff_t>(bytes(given.width)), dst.data(),
              static_cast<std::ptrdiff_t>(bytes(resizer.width())), scratch);
  return dst;
}

Pixels cut(const Pixels& src, std::size_t width, std::size_t channels, const Window& part) {
  Pixels out;
  for (std::size_t y = part.y; y < part.y + part.height; ++y) {
    const auto row = src.begin() + static_cast<std::ptrdiff_t>((y * width + part.x) * channels);
    out.insert(out.end(), row, row + static_cast<std::ptrdiff_t>(part.width * channels));
  }
  return out;
}

// Sizes that reach every branch: both orders of the passes, one pass, none, few and many weights, ends of rows.
std::vector<ResizeSpec> grid() {
  std::vector<ResizeSpec> specs;
  constexpr std::size_t kSizes[][4] = {{1, 1, 1, 1},     {1, 1, 5, 7},     {9, 17, 4, 5},    {37, 53, 16, 24},
                                       {20, 30, 45, 71}, {60, 20, 10, 18}, {21, 33, 21, 15}, {21, 33, 9, 33},
                                       {8, 200, 8, 6},   {150, 7, 3, 90}};
  for (const Filter filter : kFilters) {
    for (std::size_t channels = 1; channels <= 4; ++channels) {
      for (const auto& size : kSizes) {
        ResizeSpec spec = spec_of(size[0], size[1], channels, size[2], size[3], filter);
        specs.push_back(spec);
        const auto height = static_cast<double>(size[0]);
        const auto width = static_cast<double>(size[1]);
        spec.box = Box{width * 0.1, height * 0.3, width * 0.85, height};
        specs.push_back(spec);
      }
    }
  }
  return specs;
}

struct Frozen {
  std::size_t in_height, in_width, channels, out_height, out_width;
  std::optional<Box> box;
  std::array<std::uint32_t, kFilters.size()> hashes;  // of what Pillow 13.0.0 gave, one per filter
};

const Frozen kFrozen[] = {
    {37, 53, 3, 16, 24, std::nullopt, {0xB5DD1B2EU, 0x13C55398U, 0xE0C34078U, 0x2C058AF1U, 0xC7A12EBDU, 0xA9FE7A33U}},
    {37, 53, 1, 16, 24, std::nullopt, {0x8249497AU, 0x775A7A55U, 0x584C1FE2U, 0x0665267FU, 0x0D9F7AC9U, 0x07365138U}},
    {37, 53, 4, 16, 24, std::nullopt, {0xFEF7FFF8U, 0xFD1CE33BU, 0x4E9B2DBAU, 0x8721487FU, 0xFC3C08E6U, 0xB3262285U}},
    {20, 30, 3, 45, 71, std::nullopt, {0xCF3E9DBFU, 0xCF3E9DBFU, 0xB101157AU, 0xA4284B16U, 0x6EB4B61CU, 0x37E5B674U}},
    {60, 20, 3, 10, 18, std::nullopt, {0x4074EAA0U, 0x8D35328FU, 0xFDA7DC77U, 0x9A2B86C3U, 0xD98C46FCU, 0x6569C4A3U}},
    {48,
     40,
     3,
     17,
     23,
     Box{3.25, 5.5, 30.75, 41.125},
     {0x6858F554U, 0x1509970BU, 0xDF313E37U, 0x31167D96U, 0xBABE96A7U, 0xBC2C0E99U}},
    {90,
     24,
     1,
     30,
     40,
     Box{2.5, 10, 20, 80.5},
     {0x57EE7E64U, 0x83AE261EU, 0x2DAA1BC5U, 0x6289A8DEU, 0xA0B20492U, 0x69424A69U}},
    {21, 33, 4, 21, 15, std::nullopt, {0x1C141FBDU, 0x3B46C2DFU, 0x0A52691BU, 0xB67B1A01U, 0xDC564125U, 0x2F976015U}},
    {21, 33, 3, 9, 33, std::nullopt, {0x68326D48U, 0xC0CF017FU, 0x1B0A8823U, 0xF802439FU, 0x4CE3BE36U, 0x5C894076U}},
    {40,
     50,
     3,
     20,
     25,
     Box{7, 9, 32, 29},
     {0x1D170D1FU, 0x1D170D1FU, 0x1D170D1FU, 0x1D170D1FU, 0x1D170D1FU, 0x1D170D1FU}},
};

TEST_CASE("resize gives Pillow's bytes on every target") {
  on_all_targets([] {
    for (const Frozen& frozen : kFrozen) {
      const Pixels src = pattern(frozen.in_height, frozen.in_width, frozen.channels);
      for (std::size_t f = 0; f < kFilters.size(); ++f) {
        const ResizeSpec spec = spec_of(frozen.in_height, frozen.in_width, frozen.channels, frozen.out_height,
                                        frozen.out_width, kFilters[f], frozen.box);
        CAPTURE(frozen.in_width);
        CAPTURE(f);
        CHECK(fnv1a(resize(Resizer(spec), src)) == frozen.hashes[f]);
      }
    }
  });
}

TEST_CASE("resize: all targets equal scalar") {
  const std::vector<ResizeSpec> specs = grid();
  std::vector<Pixels> expected;
  kernels::narrow_targets("scalar");
  for (const ResizeSpec& spec : specs) {
    expected.push_back(resize(Resizer(spec), pattern(spec.in_height, spec.in_width, spec.channels)));
  }
  on_all_targets([&] {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      CAPTURE(i);
      const Pixels src = pattern(specs[i].in_height, specs[i].in_width, specs[i].channels);
      CHECK(resize(Resizer(specs[i]), src) == expected[i]);
    }
  });
}

TEST_CASE("resize: a window of the output, from the part of the source that it needs, a few rows at a time") {
  on_all_targets([] {
    for (const ResizeSpec& whole : grid()) {
      const Pixels src = pattern(whole.in_height, whole.in_width, whole.channels);
      const Pixels all = resize(Resizer(whole), src);

      ResizeSpec part = whole;
      part.window =
          Window{whole.out_width / 3, whole.out_height / 4, (whole.out_width + 1) / 2, (whole.out_height + 1) / 2};
      part.given = Resizer(part).needed();
      const Resizer resizer(part);
      const Pixels given = cut(src, whole.in_width, whole.channels, *part.given);
      const Pixels expected = cut(all, whole.out_width, whole.channels, *part.window);
      CHECK(resize(resizer, given) == expected);

      const std::size_t row_bytes = part.given->width * part.channels;
      for (const std::size_t step : {1UL, 3UL, 16UL}) {
        Pixels dst(expected.size(), 0xA5);
        std::vector<std::byte> scratch;
        ResizeStream stream(resizer, dst.data(), static_cast<std::ptrdiff_t>(resizer.width() * part.channels), scratch);
        std::size_t done = 0;
        for (std::size_t y = 0; y < part.given->height; y += step) {
          const std::size_t n = std::min(step, part.given->height - y);
          const auto first = given.begin() + static_cast<std::ptrdiff_t>(y * row_bytes);
          const Pixels rows(first, first + static_cast<std::ptrdiff_t>(n * row_bytes));  // gone after the push
          done = stream.push(rows.data(), static_cast<std::ptrdiff_t>(row_bytes), n);
        }
        CHECK(done == resizer.height());
        CHECK(dst == expected);
      }
    }
  });
}

TEST_CASE("resize: rows may run upwards, and a stream says early which output rows are complete") {
  const ResizeSpec spec = spec_of(40, 30, 3, 10, 20);
  const Resizer resizer(spec);
  const Pixels src = pattern(40, 30, 3);
  const Pixels expected = resize(resizer, src);
  Pixels upside_down;
  for (std::size_t y = 40; y-- > 0;)
    upside_down.insert(upside_down.end(), src.data() + y * 90, src.data() + (y + 1) * 90);
  Pixels dst(expected.size());
  std::vector<std::byte> scratch;
  resizer.run(upside_down.data() + 39 * 90, -90, dst.data(), 60, scratch);
  CHECK(dst == expected);

  ResizeStream stream(resizer, dst.data(), 60, scratch);
  CHECK(stream.push(src.data(), 90, 3) == 0);
  CHECK(stream.push(src.data() + 3 * 90, 90, 17) == 4);  // output row 4 needs source rows 14 to 21
  CHECK(stream.push(src.data() + 20 * 90, 90, 20) == 10);
}

TEST_CASE("resize: a plan made on one target runs on another") {
  const ResizeSpec spec = spec_of(37, 53, 3, 16, 24, Filter::kBicubic);
  const Pixels src = pattern(37, 53, 3);
  std::vector<std::unique_ptr<Resizer>> plans;
  on_all_targets([&] { plans.push_back(std::make_unique<Resizer>(spec)); });
  on_all_targets([&] {
    for (const auto& plan : plans) CHECK(fnv1a(resize(*plan, src)) == kFrozen[0].hashes[4]);
  });
}

TEST_CASE("resize: every layout of the weights gives the same bytes") {
  const Pixels src = pattern(7, 90, 4);  // rows of 360 bytes, read as 1 to 4 channels
  on_all_targets([&] {
    for (const Filter filter : {Filter::kBilinear, Filter::kLanczos}) {
      for (const std::size_t out : {11UL, 40UL, 70UL, 233UL}) {
        kernels::Taps taps = make_axis(90, 0, 90, out, filter, false, 0, out).taps;
        const kernels::Taps down = make_axis(7, 0, 7, 2, filter, false, 0, 2).taps;
        const auto passes = [&](kernels::WeightLayout layout) {
          kernels::pack(taps, layout);
          kernels::Taps columns = down;
          kernels::pack(columns, layout);
          CHECK(taps.layout == layout);
          std::vector<Pixels> results;
          for (std::size_t channels = 1; channels <= 4; ++channels) {
            std::vector<const std::uint8_t*> rows;
            std::vector<std::uint8_t*> targets;
            for (std::size_t r = 0; r < 7; ++r) {
              results.emplace_back(out * channels);
              rows.push_back(src.data() + r * 360);
            }
            for (Pixels& result : std::span(results).last(7)) targets.push_back(result.data());
            kernels::resize_rows(taps, channels, rows.data(), 90, targets.data(), 7);
          }
          std::vector<const std::uint8_t*> rows;
          for (std::size_t r = 0; r < down.count[1]; ++r) rows.push_back(src.data() + (down.start[1] + r) * 360);
          for (const std::size_t n_bytes : {5UL, 16UL, 33UL, 360UL}) {
            results.emplace_back(n_bytes);
            kernels::resize_columns(columns, 1, rows.data(), results.back().data(), n_bytes);
          }
          return results;
        };
        const std::vector<Pixels> expected = passes(kernels::WeightLayout::kPlain);
        for (const kernels::WeightLayout layout : kernels::weight_layouts()) CHECK(passes(layout) == expected);
      }
    }
  });
}

TEST_CASE("resize: what is needed of the source") {
  ResizeSpec spec = spec_of(100, 200, 3, 50, 50, Filter::kBilinear, Box{10, 20, 110, 70});
  const Window needed = Resizer(spec).needed();
  CHECK(needed == Window{9, 20, 102, 51});  // the filter reaches one output pixel, here two columns, around a centre
  spec.given = Window{9, 20, 101, 51};
  CHECK_THROWS_WITH_AS(Resizer{spec}, "resize: expected the given part to cover the needed one", std::invalid_argument);
}

TEST_CASE("resize: bad arguments are refused") {
  const auto refused = [](const ResizeSpec& spec, const char* message) {
    CHECK_THROWS_WITH_AS(Resizer{spec}, message, std::invalid_argument);
  };
  refused(spec_of(0, 5, 3, 5, 5), "resize: expected a source of 1 to 2^31 - 1 pixels a side");
  refused(spec_of(5, 5, 3, 0, 5), "resize: expected a size of 1 to 2^31 - 1 pixels a side");
  refused(spec_of(5, 5, 5, 5, 5), "resize: expected 1 to 4 channels");
  refused(spec_of(5, 5, 3, 5, 5, Filter::kBox, Box{0, 0, 6, 5}), "resize: expected a box inside of the source");
  refused(spec_of(5, 5, 3, 5, 5, Filter::kBox, Box{3, 0, 2, 5}),
          "resize: expected a box with left <= right and top <= bottom");
  ResizeSpec spec = spec_of(5, 5, 3, 5, 5);
  spec.window = Window{1, 0, 5, 5};
  refused(spec, "resize: expected a window inside of the output");
}

TEST_CASE("resize: the cache keeps the last few plans") {
  ResizerCache cache(2);
  const Resizer* const first = &cache.get(spec_of(10, 10, 3, 5, 5));
  const Resizer* const second = &cache.get(spec_of(11, 10, 3, 5, 5));
  CHECK(first != second);
  CHECK(&cache.get(spec_of(10, 10, 3, 5, 5)) == first);
  CHECK(cache.get(spec_of(12, 10, 3, 5, 5)).spec().in_height == 12);  // the second was used longest ago
  CHECK(&cache.get(spec_of(10, 10, 3, 5, 5)) == first);
  CHECK(cache.get(spec_of(11, 10, 3, 5, 5)).spec().in_height == 11);
}

}  // namespace
}  // namespace fastbatch
