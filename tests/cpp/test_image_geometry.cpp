// SPDX-License-Identifier: MIT
// Crops, EXIF's orientation and the way of points, against rules that are written down once more here.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "common/philox.h"
#include "image/geometry.h"

namespace fastbatch {
namespace {

Stream crop_stream(std::uint64_t index) { return Stream(1, 2, index, Operation::kCrop); }

CropOptions options_of(Crop crop, std::size_t height, std::size_t width, std::size_t resize = 0) {
  CropOptions options;
  options.crop = crop;
  options.height = height;
  options.width = width;
  options.resize = resize;
  return options;
}

TEST_CASE("a centre crop is torchvision's") {
  struct Case {
    ImageSize image;
    ImageSize scaled;
    std::size_t x, y;
  };
  // torchvision 0.28: Resize(256), then CenterCrop(224)
  const Case cases[] = {
      {{500, 375}, {341, 256}, 58, 16}, {{375, 500}, {256, 341}, 16, 58},        {{256, 256}, {256, 256}, 16, 16},
      {{640, 427}, {383, 256}, 80, 16}, {{333, 500}, {256, 384}, 16, 80},        {{100, 99}, {258, 256}, 17, 16},
      {{3, 1}, {768, 256}, 272, 16},    {{1, 4000}, {256, 1024000}, 16, 511888}, {{409, 411}, {256, 257}, 16, 16},
      {{259, 256}, {259, 256}, 18, 16},
  };
  for (const Case& expected : cases) {
    const CropPlan plan = plan_crop(expected.image, options_of(Crop::kCenter, 224, 224, 256), crop_stream(0));
    CAPTURE(expected.image.width);
    CHECK(plan.source == Window{0, 0, expected.image.width, expected.image.height});
    CHECK(plan.scaled == expected.scaled);
    CHECK(plan.wanted == Window{expected.x, expected.y, 224, 224});
    CHECK(plan.left == 0);
    CHECK(plan.top == 0);
  }
}

TEST_CASE("a stretched image has its whole slot") {
  const CropPlan plan = plan_crop({500, 375}, options_of(Crop::kNone, 7, 9), crop_stream(0));
  CHECK(plan == CropPlan{{0, 0, 500, 375}, {9, 7}, {0, 0, 9, 7}, 0, 0});
}

TEST_CASE("a padded image keeps its shape, and has a pixel at least") {
  const auto plan = [](ImageSize image) { return plan_crop(image, options_of(Crop::kPad, 100, 200), crop_stream(0)); };
  CHECK(plan({400, 200}) == CropPlan{{0, 0, 400, 200}, {200, 100}, {0, 0, 200, 100}, 0, 0});
  CHECK(plan({100, 100}) == CropPlan{{0, 0, 100, 100}, {100, 100}, {0, 0, 100, 100}, 50, 0});
  CHECK(plan({401, 100}) == CropPlan{{0, 0, 401, 100}, {200, 50}, {0, 0, 200, 50}, 0, 25});
  CHECK(plan({60'000, 1}) == CropPlan{{0, 0, 60'000, 1}, {200, 1}, {0, 0, 200, 1}, 0, 50});  // 49.5: the even number
  CHECK(plan({1, 60'000}) == CropPlan{{0, 0, 1, 60'000}, {1, 100}, {0, 0, 1, 100}, 100, 0});
}

TEST_CASE("every crop lies in its image and in its slot, and its draws are its own") {
  const ImageSize images[] = {{1, 1}, {1, 500}, {500, 1}, {60, 40}, {41, 41}, {500, 375}, {65'500, 65'500}};
  for (const Crop crop : {Crop::kNone, Crop::kCenter, Crop::kRandom, Crop::kRandomResized, Crop::kPad}) {
    for (const std::size_t resize : {0U, 50U}) {
      if (crop == Crop::kCenter && resize == 0) continue;
      const CropOptions options = options_of(crop, 40, 41, resize);
      check_crop(options);
      for (const ImageSize image : images) {
        for (std::uint64_t i = 0; i < 50; ++i) {
          const CropPlan plan = plan_crop(image, options, crop_stream(i));
          CHECK(plan == plan_crop(image, options, crop_stream(i)));
          CHECK(plan.source.width >= 1);
          CHECK(plan.source.height >= 1);
          CHECK(plan.source.x + plan.source.width <= image.width);
          CHECK(plan.source.y + plan.source.height <= image.height);
          CHECK(plan.wanted.width >= 1);
          CHECK(plan.wanted.height >= 1);
          CHECK(plan.wanted.x + plan.wanted.width <= plan.scaled.width);
          CHECK(plan.wanted.y + plan.wanted.height <= plan.scaled.height);
          CHECK(plan.left + plan.wanted.width <= 41);
          CHECK(plan.top + plan.wanted.height <= 40);
        }
      }
    }
  }
}

// The colour of the stored pixel that EXIF's rules put at (x, y) of the upright image, as its number.
std::size_t stored_at(std::size_t x, std::size_t y, std::size_t w, std::size_t h, int orientation) {
  switch (orientation) {
    case 2: return y * w + (w - 1 - x);
    case 3: return (h - 1 - y) * w + (w - 1 - x);
    case 4: return (h - 1 - y) * w + x;
    case 5: return x * w + y;
    case 6: return (h - 1 - x) * w + y;
    case 7: return (h - 1 - x) * w + (w - 1 - y);
    case 8: return x * w + (w - 1 - y);
    default: return y * w + x;
  }
}

TEST_CASE("a window of the upright image is found in the stored one, and points go the same way") {
  const ImageSize stored{7, 5};
  for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(static_cast<int>(orientation));
    const ImageSize upright = turned(stored, orientation);
    CHECK(upright == (orientation >= 5 ? ImageSize{5, 7} : stored));
    const Matrix matrix = turn_matrix(stored, orientation);
    for (std::size_t y = 0; y < upright.height; ++y) {
      for (std::size_t x = 0; x < upright.width; ++x) {
        const Window one = stored_window({x, y, 1, 1}, stored, orientation);
        CHECK(one.width == 1);
        CHECK(one.height == 1);
        CHECK(one.y * stored.width + one.x == stored_at(x, y, stored.width, stored.height, orientation));
        const double from_x = static_cast<double>(one.x) + 0.5;
        const double from_y = static_cast<double>(one.y) + 0.5;
        CHECK(matrix[0] * from_x + matrix[1] * from_y + matrix[2] == static_cast<double>(x) + 0.5);
        CHECK(matrix[3] * from_x + matrix[4] * from_y + matrix[5] == static_cast<double>(y) + 0.5);
      }
    }
    const Window part = stored_window({1, 2, 3, 2}, stored, orientation);
    CHECK(part.width == (orientation >= 5 ? 2 : 3));
    CHECK(part.x + part.width <= stored.width);
    CHECK(part.y + part.height <= stored.height);
  }
}

TEST_CASE("the corners of a crop become the corners of the slot, mirrored or not") {
  const CropPlan plan{{10, 20, 30, 40}, {60, 20}, {5, 4, 50, 16}, 3, 2};
  const auto to_slot = [&](bool flip, bool vertical_flip, double x, double y) {
    const Matrix m = then(crop_matrix(plan), flip_matrix(30, 70, flip, vertical_flip));
    return std::vector<double>{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
  };
  CHECK(to_slot(false, false, 10, 20) == std::vector<double>{3 - 5.0, 2 - 4.0});
  CHECK(to_slot(false, false, 40, 60) == std::vector<double>{3 - 5.0 + 60, 2 - 4.0 + 20});
  CHECK(to_slot(true, false, 10, 20) == std::vector<double>{70 - (3 - 5.0), 2 - 4.0});
  CHECK(to_slot(false, true, 10, 20) == std::vector<double>{3 - 5.0, 30 - (2 - 4.0)});
}

TEST_CASE("options that contradict each other are refused") {
  const auto refuse = [](auto change) {
    CropOptions options = options_of(Crop::kRandomResized, 20, 30);
    check_crop(options);
    change(options);
    CHECK_THROWS_AS(check_crop(options), std::invalid_argument);
  };
  refuse([](CropOptions& o) { o.height = 0; });
  refuse([](CropOptions& o) { o.width = 0; });
  refuse([](CropOptions& o) { o.width = std::size_t{1} << 40U; });
  refuse([](CropOptions& o) { o.crop = Crop::kCenter; });
  refuse([](CropOptions& o) { o.crop = Crop::kCenter, o.resize = 29; });
  refuse([](CropOptions& o) { o.crop = Crop::kRandom, o.resize = 29; });
  refuse([](CropOptions& o) { o.area = {0, 1}; });
  refuse([](CropOptions& o) { o.area = {0.5, 1.5}; });
  refuse([](CropOptions& o) { o.area = {0.5, 0.4}; });
  refuse([](CropOptions& o) { o.area[0] = std::nan(""); });
  refuse([](CropOptions& o) { o.ratio = {-1, 1}; });
  refuse([](CropOptions& o) { o.ratio[1] = HUGE_VAL; });
}

}  // namespace
}  // namespace fastbatch
