// SPDX-License-Identifier: MIT
// Upsampling and colours of JPEG on every target, against their definitions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/jpeg_color.h"
#include "kernels/jpeg_upsample.h"
#include "kernels_on_all_targets.h"

namespace fastbatch::kernels {
namespace {

using testing::Arena;
using testing::noise;
using Bytes = std::vector<std::byte>;

std::uint8_t* bytes_of(Arena& arena) { return reinterpret_cast<std::uint8_t*>(arena.data()); }
const std::uint8_t* bytes_of(const Bytes& bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

// Three parts of the sample and one of its neighbour, on each axis.
unsigned mixed(unsigned nearer, unsigned farther) { return 3 * nearer + farther; }

TEST_CASE("upsampling: every length") {
  for (std::size_t n = 0; n < testing::kLengths; ++n) {
    const Bytes nearer = noise(n + 2, n + 1);  // with a neighbour on both sides
    const Bytes farther = noise(n + 2, n + 500);
    const auto a = [&](std::size_t i) { return std::to_integer<unsigned>(nearer[i]); };
    const auto b = [&](std::size_t i) { return std::to_integer<unsigned>(farther[i]); };
    const auto column = [&](std::size_t i) { return mixed(a(i), b(i)); };
    Bytes columns, both, above, below, twice, thrice;
    for (std::size_t i = 1; i <= n; ++i) {
      columns.push_back(static_cast<std::byte>((mixed(a(i), a(i - 1)) + 1) / 4));
      columns.push_back(static_cast<std::byte>((mixed(a(i), a(i + 1)) + 2) / 4));
      both.push_back(static_cast<std::byte>((mixed(column(i), column(i - 1)) + 8) / 16));
      both.push_back(static_cast<std::byte>((mixed(column(i), column(i + 1)) + 7) / 16));
      above.push_back(static_cast<std::byte>((column(i) + 1) / 4));
      below.push_back(static_cast<std::byte>((column(i) + 2) / 4));
      twice.insert(twice.end(), 2, nearer[i]);
      thrice.insert(thrice.end(), 3, nearer[i]);
    }
    const std::uint8_t* const near_row = bytes_of(nearer) + 1;
    const std::uint8_t* const far_row = bytes_of(farther) + 1;
    testing::on_all_targets([&] {
      Arena to_columns(n, columns.size()), to_both(n, both.size()), to_above(n, n), to_below(n, n), to_twice(n, 2 * n),
          to_thrice(n, 3 * n);
      upsample_columns(near_row, bytes_of(to_columns), n);
      upsample_both(near_row, far_row, bytes_of(to_both), n);
      upsample_rows(near_row, far_row, false, bytes_of(to_above), n);
      upsample_rows(near_row, far_row, true, bytes_of(to_below), n);
      repeat_samples(near_row, 2, bytes_of(to_twice), n);
      repeat_samples(near_row, 3, bytes_of(to_thrice), n);
      CHECK(to_columns.holds(columns));
      CHECK(to_both.holds(both));
      CHECK(to_above.holds(above));
      CHECK(to_below.holds(below));
      CHECK(to_twice.holds(twice));
      CHECK(to_thrice.holds(thrice));
    });
  }
}

// libjpeg's constants have 16 fractional bits; a tie is rounded up.
std::byte pixel(unsigned luma, double blue_part, unsigned blue, double red_part, unsigned red) {
  const auto fixed = [](double part) { return std::floor(part * 65536 + 0.5); };
  const double sum = fixed(std::abs(blue_part)) * (blue_part < 0 ? -1 : 1) * (static_cast<double>(blue) - 128) +
                     fixed(std::abs(red_part)) * (red_part < 0 ? -1 : 1) * (static_cast<double>(red) - 128);
  const double value = luma + std::floor((sum + 32768) / 65536);
  return static_cast<std::byte>(static_cast<int>(std::clamp(value, 0.0, 255.0)));
}

Bytes rgb_of(const Bytes& luma, const Bytes& blue, const Bytes& red, std::size_t channels) {
  Bytes pixels;
  for (std::size_t i = 0; i < luma.size(); ++i) {
    const auto y = std::to_integer<unsigned>(luma[i]);
    const auto cb = std::to_integer<unsigned>(blue[i]);
    const auto cr = std::to_integer<unsigned>(red[i]);
    pixels.push_back(pixel(y, 0, cb, 1.40200, cr));
    pixels.push_back(pixel(y, -0.34414, cb, -0.71414, cr));
    pixels.push_back(pixel(y, 1.77200, cb, 0, cr));
    if (channels == 4) pixels.push_back(std::byte{255});
  }
  return pixels;
}

TEST_CASE("colours: every pair of chroma values, with several lumas") {
  for (unsigned luma = 0; luma < 256; luma += 51) {
    Bytes y, cb, cr;
    for (unsigned i = 0; i < 65536; ++i) {
      y.push_back(static_cast<std::byte>(luma));
      cb.push_back(static_cast<std::byte>(i / 256));
      cr.push_back(static_cast<std::byte>(i % 256));
    }
    for (const std::size_t channels : {3U, 4U}) {
      const Bytes wanted = rgb_of(y, cb, cr, channels);
      testing::on_all_targets([&] {
        Arena pixels(0, wanted.size());
        ycc_to_rgb(bytes_of(y), bytes_of(cb), bytes_of(cr), channels, bytes_of(pixels), y.size());
        CHECK(pixels.holds(wanted));
      });
    }
  }
}

TEST_CASE("colours: every length") {
  for (std::size_t n = 0; n < testing::kLengths; ++n) {
    const Bytes first = noise(n, 1 + n), second = noise(n, 2 + n), third = noise(n, 3 + n);
    for (const std::size_t channels : {3U, 4U}) {
      Bytes joined;
      for (std::size_t i = 0; i < n; ++i) {
        joined.insert(joined.end(), {first[i], second[i], third[i]});
        if (channels == 4) joined.push_back(std::byte{255});
      }
      testing::on_all_targets([&] {
        Arena pixels(n, joined.size());
        join_planes(bytes_of(first), bytes_of(second), bytes_of(third), channels, bytes_of(pixels), n);
        CHECK(pixels.holds(joined));
        ycc_to_rgb(bytes_of(first), bytes_of(second), bytes_of(third), channels, bytes_of(pixels), n);
        CHECK(pixels.holds(rgb_of(first, second, third, channels)));
      });
    }
  }
}

}  // namespace
}  // namespace fastbatch::kernels
