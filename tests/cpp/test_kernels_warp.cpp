// SPDX-License-Identifier: MIT
// Warps: every target gives the plain path's bytes, writes nothing else and reads nothing past its source.
#include "kernels/warp.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/hue.h"
#include "kernels_on_all_targets.h"

using namespace fastbatch::kernels;
using fastbatch::kernels::testing::Arena;
using fastbatch::kernels::testing::noise;
using fastbatch::kernels::testing::on_all_targets;

namespace {

constexpr Fill kFills[] = {Fill::kNearest, Fill::kConstant, Fill::kReflect, Fill::kWrap};

Warp rotated(std::size_t height, std::size_t width, std::size_t channels, double angle, double zoom) {
  Warp warp{.height = height, .width = width, .channels = channels};
  warp.matrix = {zoom * std::cos(angle), -std::sin(angle), std::sin(angle), zoom * std::cos(angle)};
  const double y = static_cast<double>(height) / 2 - 0.5;
  const double x = static_cast<double>(width) / 2 - 0.5;
  warp.offset = {y - warp.matrix[0] * y - warp.matrix[1] * x, x - warp.matrix[2] * y - warp.matrix[3] * x};
  return warp;
}

template <typename T>
std::vector<std::byte> pixels(std::size_t n) {
  const std::vector<std::byte> raw = noise(n);
  std::vector<T> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<T>(raw[i]);
  std::vector<std::byte> bytes(n * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <typename T>
void check_on_all_targets(const Warp& what, std::size_t offset) {
  const std::size_t n = what.height * what.width * what.channels;
  Arena src(offset * sizeof(T), pixels<T>(n));
  std::vector<std::byte> expected(n * sizeof(float));
  narrow_targets("scalar");
  warp(what, reinterpret_cast<const T*>(src.data()), reinterpret_cast<float*>(expected.data()));
  on_all_targets([&] {
    Arena dst(offset * sizeof(float), n * sizeof(float));
    warp(what, reinterpret_cast<const T*>(src.data()), reinterpret_cast<float*>(dst.data()));
    REQUIRE(dst.holds(expected));
  });
}

}  // namespace

TEST_CASE("a warp is the same on all targets") {
  const std::size_t sizes[][2] = {{1, 1}, {1, 40}, {2, 2}, {17, 1}, {16, 16}, {33, 70}, {9, 300}};
  for (const auto& size : sizes) {
    for (std::size_t channels = 1; channels <= 5; ++channels) {
      for (const Fill fill : kFills) {
        for (const int order : {0, 1}) {
          for (const double angle : {0.0, 0.3, 3.141592653589793, 1.2}) {
            Warp what = rotated(size[0], size[1], channels, angle, angle == 0.3 ? 0.8 : 1.1);
            what.fill = fill;
            what.order = order;
            what.fill_value = 7.5F;
            what.flip_columns = angle == 1.2;
            what.flip_rows = channels == 2;
            CAPTURE(size[0]);
            CAPTURE(size[1]);
            CAPTURE(channels);
            CAPTURE(angle);
            check_on_all_targets<float>(what, channels + size[0]);
            check_on_all_targets<std::uint8_t>(what, channels + size[0]);
          }
        }
      }
    }
  }
}

TEST_CASE("coordinates out of all measure read nothing outside") {
  const double huge = 1.7e308;
  const double inf = HUGE_VAL;
  for (const auto& matrix : {std::array{huge, huge, 0.0, 1.0}, std::array{1.0, 0.0, -huge, huge},
                             std::array{1e16, 0.0, 0.0, -1e16}, std::array{inf, -inf, 1.0, std::nan("")}}) {
    for (const auto& offset : {std::array{0.0, 0.0}, std::array{huge, -huge}, std::array{1e15, -1e300}}) {
      for (const Fill fill : kFills) {
        for (const int order : {0, 1}) {
          const Warp what{.height = 6,
                          .width = 21,
                          .channels = 3,
                          .matrix = matrix,
                          .offset = offset,
                          .order = order,
                          .fill = fill};
          check_on_all_targets<float>(what, 0);
        }
      }
    }
  }
}

TEST_CASE("a warp that changes nothing gives the same numbers") {
  for (const Fill fill : kFills) {
    for (const std::size_t channels : {1UL, 3UL, 4UL}) {
      const Warp what{.height = 20, .width = 33, .channels = channels, .fill = fill};
      std::vector<float> src(20 * 33 * channels);
      for (std::size_t i = 0; i < src.size(); ++i) src[i] = std::sin(static_cast<float>(i));
      on_all_targets([&] {
        std::vector<float> dst(src.size());
        warp(what, src.data(), dst.data());
        CHECK(dst == src);
      });
    }
  }
}

TEST_CASE("an image beyond 32-bit places is refused") {
  const Warp what{.height = 65536, .width = 32768, .channels = 1};
  float nothing = 0;
  CHECK_THROWS_AS(warp(what, &nothing, &nothing), std::invalid_argument);
}

TEST_CASE("a hue is turned alike on all targets") {
  const std::vector<std::byte> raw = noise(3 * Planes::kCapacity);
  Planes plain{};
  for (std::size_t i = 0; i < Planes::kCapacity; ++i) {
    const auto number = [&](std::size_t c) { return static_cast<float>(raw[3 * i + c]) * 0.99F; };
    plain.r[i] = number(0);
    plain.g[i] = i % 5 == 0 ? number(0) : number(1);
    plain.b[i] = i % 10 == 0 ? number(0) : number(2);
  }
  for (const float turn : {-0.5F, -0.3F, 0.0F, 0.1F, 0.5F}) {
    narrow_targets("scalar");
    Planes expected = plain;
    turn_hue(expected, turn);
    CHECK(expected.g[10] == plain.g[10]);  // grey
    float largest = 0;
    for (std::size_t i = 0; i < Planes::kCapacity; ++i)
      largest = std::max(largest, std::fabs(expected.r[i] - plain.r[i]));
    CHECK((turn == 0.0F) == (largest < 1e-3F));
    on_all_targets([&] {
      Planes turned = plain;
      turn_hue(turned, turn);
      CHECK(std::memcmp(&turned, &expected, sizeof turned) == 0);
    });
  }
}
