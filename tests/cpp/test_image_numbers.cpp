// SPDX-License-Identifier: MIT
// The resize of numbers: channels are independent, and a window of the output has the bytes of the whole.
#include <doctest/doctest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "image/resize_array.h"
#include "image/resize_numbers.h"
#include "image/turn.h"
#include "kernels_on_all_targets.h"

namespace fastbatch {
namespace {

template <typename T>
std::vector<T> numbers(std::size_t n) {
  std::vector<T> made(n);
  std::uint32_t state = 7;
  for (T& one : made) {
    state = state * 1664525U + 1013904223U;
    one = static_cast<T>(state >> 16U);
  }
  return made;
}

template <typename T>
std::vector<T> resized(const ResizeSpec& spec, DType dtype, const std::vector<T>& src) {
  const Window part = spec.window.value_or(Window{0, 0, spec.out_width, spec.out_height});
  std::vector<T> dst(part.width * part.height * spec.channels);
  resize_numbers(spec, dtype, reinterpret_cast<const std::byte*>(src.data()), spec.in_width * spec.channels * sizeof(T),
                 reinterpret_cast<std::byte*>(dst.data()), part.width * spec.channels * sizeof(T));
  return dst;
}

template <typename T>
void check_channels(DType dtype, std::size_t channels, ResizeSpec spec) {
  spec.channels = channels;
  const std::vector<T> src = numbers<T>(spec.in_width * spec.in_height * channels);
  const std::vector<T> all = resized(spec, dtype, src);
  for (std::size_t c = 0; c < channels; ++c) {
    std::vector<T> plane(spec.in_width * spec.in_height);
    for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = src[i * channels + c];
    ResizeSpec one = spec;
    one.channels = 1;
    std::vector<T> alone(spec.out_width * spec.out_height);
    resize_array(one, dtype, reinterpret_cast<const std::byte*>(plane.data()),
                 reinterpret_cast<std::byte*>(alone.data()));
    for (std::size_t i = 0; i < alone.size(); ++i) CHECK(alone[i] == all[i * channels + c]);
  }
  spec.window = Window{1, 2, spec.out_width - 2, spec.out_height - 3};
  const std::vector<T> part = resized(spec, dtype, src);
  const std::size_t n = spec.window->width * channels;
  for (std::size_t y = 0; y < spec.window->height; ++y) {
    const T* const row = all.data() + ((y + 2) * spec.out_width + 1) * channels;
    CHECK(std::memcmp(part.data() + y * n, row, n * sizeof(T)) == 0);
  }
}

}  // namespace

TEST_CASE("channels are resized like images of their own, and windows like the whole") {
  const std::size_t sizes[][4] = {{13, 17, 6, 7}, {40, 9, 5, 8}, {6, 7, 13, 17},
                                  {9, 9, 9, 4},   {9, 9, 4, 9},  {9, 8, 9, 8}};
  for (const Filter filter : {Filter::kNearest, Filter::kBilinear, Filter::kLanczos}) {
    for (const auto& [in_height, in_width, out_height, out_width] : sizes) {
      const ResizeSpec spec{.in_height = in_height,
                            .in_width = in_width,
                            .out_height = out_height,
                            .out_width = out_width,
                            .filter = filter};
      check_channels<std::uint16_t>(DType::kU16, 3, spec);
      check_channels<std::uint16_t>(DType::kU16, 13, spec);
      check_channels<float>(DType::kF32, 2, spec);
      check_channels<std::int32_t>(DType::kI32, 1, spec);
    }
  }
}

TEST_CASE("every target resizes 16-bit numbers alike") {
  for (const std::size_t channels : {1UL, 3UL}) {
    for (const auto& [in, out] : {std::pair{37UL, 11UL}, {9UL, 30UL}, {8UL, 7UL}, {1UL, 5UL}}) {
      for (const Filter filter : {Filter::kBox, Filter::kBicubic}) {
        const ResizeSpec spec{.in_height = in + 2,
                              .in_width = in,
                              .channels = channels,
                              .out_height = out,
                              .out_width = out + 1,
                              .filter = filter};
        std::vector<std::uint16_t> src = numbers<std::uint16_t>(spec.in_width * spec.in_height * channels);
        for (std::size_t i = 0; i < src.size(); i += 3) src[i] = i % 2 == 0 ? 0 : 65535;  // sums beyond the range
        std::vector<std::vector<std::uint16_t>> found;
        kernels::testing::on_all_targets([&] { found.push_back(resized(spec, DType::kU16, src)); });
        for (const auto& one : found) CHECK(one == found.back());
      }
    }
  }
}

TEST_CASE("other types are refused") {
  const ResizeSpec spec{.in_height = 2, .in_width = 2, .channels = 1, .out_height = 1, .out_width = 1};
  std::byte memory[64]{};
  CHECK_THROWS_AS(resize_numbers(spec, DType::kF64, memory, 16, memory, 8), std::invalid_argument);
}

TEST_CASE("pixels of any size are turned") {
  constexpr ImageSize kSize{3, 2};
  for (const std::size_t bytes : {1UL, 2UL, 3UL, 4UL, 5UL, 6UL, 8UL, 26UL}) {
    for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
      std::vector<std::uint8_t> stored(6 * bytes);
      for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::uint8_t>(i / bytes);
      std::vector<std::uint8_t> upright(stored.size());
      turn_rows(stored.data(), 3 * bytes, 0, 2, kSize, orientation, bytes, upright.data());
      std::vector<std::uint8_t> numbers_upright(6);
      const std::vector<std::uint8_t> one{0, 1, 2, 3, 4, 5};
      turn_rows(one.data(), 3, 0, 2, kSize, orientation, 1, numbers_upright.data());
      for (std::size_t i = 0; i < upright.size(); ++i) CHECK(upright[i] == numbers_upright[i / bytes]);
    }
  }
}

}  // namespace fastbatch
