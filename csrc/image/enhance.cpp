// SPDX-License-Identifier: MIT
#include "image/enhance.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fastbatch {
namespace {

using Table = std::array<std::uint8_t, 256>;

// convert("L") of an RGB pixel.
std::uint8_t grey_of(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >> 16U);
}

// Image.blend(): `from` at 0, `to` at 1; float32.
std::uint8_t blend(int from, int to, float factor) {
  const float mixed = static_cast<float>(from) + factor * static_cast<float>(to - from);
  if (mixed <= 0) return 0;
  return mixed >= 255 ? 255 : static_cast<std::uint8_t>(mixed);
}

void look_up(const ByteImage& image, const Table& table) {
  for (std::size_t i = 0; i < image.pixels * image.channels; ++i) image.data[i] = table[image.data[i]];
}

void blend_with(const ByteImage& image, int constant, float factor) {
  Table table;
  for (int value = 0; value < 256; ++value) table[static_cast<std::size_t>(value)] = blend(constant, value, factor);
  look_up(image, table);
}

std::uint8_t as_byte(int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); }

struct Hsv {
  std::uint8_t h, s, v;
};

Hsv to_hsv(const std::uint8_t* rgb) {
  const std::uint8_t most = std::max({rgb[0], rgb[1], rgb[2]});
  const std::uint8_t least = std::min({rgb[0], rgb[1], rgb[2]});
  if (most == least) return {0, 0, most};
  const auto range = static_cast<float>(most - least);
  const float s = range / static_cast<float>(most);
  const float rc = static_cast<float>(most - rgb[0]) / range;
  const float gc = static_cast<float>(most - rgb[1]) / range;
  const float bc = static_cast<float>(most - rgb[2]) / range;
  float h = 0;  // doubles between, as Pillow's C
  if (rgb[0] == most) {
    h = bc - gc;
  } else if (rgb[1] == most) {
    h = static_cast<float>(2.0 + static_cast<double>(rc) - static_cast<double>(bc));
  } else {
    h = static_cast<float>(4.0 + static_cast<double>(gc) - static_cast<double>(rc));
  }
  h = static_cast<float>(std::fmod(static_cast<double>(h) / 6.0 + 1.0, 1.0));
  return {as_byte(static_cast<int>(static_cast<double>(h) * 255.0)),
          as_byte(static_cast<int>(static_cast<double>(s) * 255.0)), most};
}

void to_rgb(const Hsv& hsv, std::uint8_t* rgb) {
  if (hsv.s == 0) {
    std::fill_n(rgb, 3, hsv.v);
    return;
  }
  const double sixths = static_cast<double>(static_cast<float>(hsv.h)) * 6.0 / 255.0;
  const int i = static_cast<int>(std::floor(sixths));
  const auto f = static_cast<float>(sixths - static_cast<double>(static_cast<float>(i)));
  const auto fs = static_cast<float>(static_cast<double>(static_cast<float>(hsv.s)) / 255.0);
  const auto rounded = [&](double share) {
    return as_byte(static_cast<int>(std::round(static_cast<double>(static_cast<float>(hsv.v)) * share)));
  };
  const std::uint8_t p = rounded(1.0 - static_cast<double>(fs));
  const std::uint8_t q = rounded(1.0 - static_cast<double>(fs * f));
  const std::uint8_t t = rounded(1.0 - static_cast<double>(fs) * (1.0 - static_cast<double>(f)));
  const std::uint8_t v = hsv.v;
  const std::array<std::array<std::uint8_t, 3>, 6> colours{
      {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}}};
  std::copy_n(colours[static_cast<std::size_t>(i % 6)].data(), 3, rgb);
}

}  // namespace

void enhance_brightness(const ByteImage& image, float factor) { blend_with(image, 0, factor); }

void enhance_contrast(const ByteImage& image, float factor) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < image.pixels; ++i)
    sum += image.channels == 3 ? grey_of(image.data + 3 * i) : image.data[i * image.channels];
  const double mean = static_cast<double>(sum) / static_cast<double>(image.pixels);
  blend_with(image, static_cast<int>(mean + 0.5), factor);
}

void enhance_saturation(const ByteImage& image, float factor) {
  if (image.channels != 3 || factor == 1) return;
  std::uint8_t* pixel = image.data;
  for (std::size_t i = 0; i < image.pixels; ++i, pixel += 3) {
    const std::uint8_t grey = grey_of(pixel);
    for (std::size_t c = 0; c < 3; ++c) pixel[c] = blend(grey, pixel[c], factor);
  }
}

void rotate_hue(const ByteImage& image, std::uint8_t turn) {
  if (image.channels != 3) return;
  std::uint8_t* pixel = image.data;
  for (std::size_t i = 0; i < image.pixels; ++i, pixel += 3) {
    Hsv hsv = to_hsv(pixel);
    hsv.h = static_cast<std::uint8_t>(hsv.h + turn);
    to_rgb(hsv, pixel);
  }
}

void make_grey(const ByteImage& image) {
  if (image.channels != 3) return;
  std::uint8_t* pixel = image.data;
  for (std::size_t i = 0; i < image.pixels; ++i, pixel += 3) std::fill_n(pixel, 3, grey_of(pixel));
}

}  // namespace fastbatch
