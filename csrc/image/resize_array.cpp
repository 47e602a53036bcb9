// SPDX-License-Identifier: MIT
#include "image/resize_array.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "image/resize_axis.h"

namespace fastbatch {
namespace {

// Rounds half away from zero; saturates at the range of int32.
std::int32_t round_away(double value) {
  return static_cast<std::int32_t>(std::clamp(value + (value >= 0.0 ? 0.5 : -0.5), -2147483648.0, 2147483647.0));
}

float to_element(double sum, float) { return static_cast<float>(sum); }
std::int32_t to_element(double sum, std::int32_t) { return round_away(sum); }
std::uint16_t to_element(double sum, std::uint16_t) {
  return static_cast<std::uint16_t>(std::clamp(round_away(sum), 0, 65535));
}

struct Sides {
  float left, top, right, bottom;
};

Sides sides_of(const ResizeSpec& spec) {
  const Box box = spec.box.value_or(Box{0, 0, static_cast<double>(spec.in_width), static_cast<double>(spec.in_height)});
  return {static_cast<float>(box.left), static_cast<float>(box.top), static_cast<float>(box.right),
          static_cast<float>(box.bottom)};
}

template <typename T>
void resize_rows(const ResizeSpec& spec, const T* src, std::size_t height, T* dst) {
  const Sides box = sides_of(spec);
  const ExactTaps taps =
      make_exact_taps(spec.in_width, box.left, box.right, spec.out_width, spec.filter, 0, spec.out_width);
  for (std::size_t y = 0; y < height; ++y, src += spec.in_width) {
    for (std::size_t i = 0; i < spec.out_width; ++i) {
      double sum = 0.0;
      for (std::size_t k = 0; k < taps.count[i]; ++k) {
        sum += static_cast<double>(src[taps.start[i] + k]) * taps.weights[i * taps.most + k];
      }
      *dst++ = to_element(sum, T{});
    }
  }
}

template <typename T>
void resize_columns(const ResizeSpec& spec, const T* src, std::size_t width, T* dst) {
  const Sides box = sides_of(spec);
  const ExactTaps taps =
      make_exact_taps(spec.in_height, box.top, box.bottom, spec.out_height, spec.filter, 0, spec.out_height);
  std::vector<double> sums(width);
  for (std::size_t i = 0; i < spec.out_height; ++i) {
    std::ranges::fill(sums, 0.0);
    for (std::size_t k = 0; k < taps.count[i]; ++k) {
      const T* row = src + (taps.start[i] + k) * width;
      const double weight = taps.weights[i * taps.most + k];
      for (std::size_t x = 0; x < width; ++x) sums[x] += static_cast<double>(row[x]) * weight;
    }
    for (std::size_t x = 0; x < width; ++x) *dst++ = to_element(sums[x], T{});
  }
}

template <typename T>
void resize_numbers(const ResizeSpec& spec, const T* src, T* dst) {
  const Sides box = sides_of(spec);
  const bool by_row =
      spec.in_width != spec.out_width || box.left != 0 || box.right != static_cast<float>(spec.out_width);
  const bool by_column =
      spec.in_height != spec.out_height || box.top != 0 || box.bottom != static_cast<float>(spec.out_height);
  std::vector<T> between;
  if (by_row && by_column) {
    if (resizes_columns_first(spec)) {
      between.resize(spec.in_width * spec.out_height);
      resize_columns(spec, src, spec.in_width, between.data());
      return resize_rows(spec, between.data(), spec.out_height, dst);
    }
    between.resize(spec.out_width * spec.in_height);
    resize_rows(spec, src, spec.in_height, between.data());
    return resize_columns(spec, between.data(), spec.out_width, dst);
  }
  if (by_row) return resize_rows(spec, src, spec.in_height, dst);
  if (by_column) return resize_columns(spec, src, spec.in_width, dst);
  std::copy_n(src, spec.in_width * spec.in_height, dst);
}

// True if the resize keeps the scale and starts on a whole pixel.
bool is_crop(const ResizeSpec& spec) {
  const Sides box = sides_of(spec);
  const auto whole = [](float edge) { return edge == static_cast<float>(static_cast<std::int64_t>(edge)); };
  return whole(box.left) && whole(box.top) && box.right - box.left == static_cast<float>(spec.out_width) &&
         box.bottom - box.top == static_cast<float>(spec.out_height);
}

// The source element of each output, or negative. Pillow accumulates the scale from pixel to pixel, but multiplies for
// 16 bits.
std::vector<std::int64_t> nearest(std::size_t in, float low, float high, std::size_t out, bool crop, bool multiplies) {
  std::vector<std::int64_t> picks(out);
  if (multiplies && !crop) {
    const double scale = static_cast<double>(high - low) / static_cast<double>(out);
    for (std::size_t i = 0; i < out; ++i) {
      const double at = scale * (static_cast<double>(i) + 0.5) + static_cast<double>(low);
      picks[i] = at >= 0.0 && at < static_cast<double>(in) ? static_cast<std::int64_t>(at) : -1;
    }
    return picks;
  }
  const Axis axis = make_axis(in, low, high, out, Filter::kNearest, crop, 0, out);
  for (std::size_t i = 0; i < out; ++i) {
    picks[i] = axis.kind == Axis::Kind::kPick ? axis.pick[i] : static_cast<std::int64_t>(axis.first + i);
  }
  return picks;
}

// Copies whole pixels unchanged.
void pick_nearest(const ResizeSpec& spec, DType dtype, const std::byte* src, std::byte* dst) {
  const Sides box = sides_of(spec);
  const std::size_t pixel_bytes = size_of(dtype) * spec.channels;
  const bool multiplies = dtype == DType::kU16;
  const bool crop = is_crop(spec);
  const auto columns = nearest(spec.in_width, box.left, box.right, spec.out_width, crop, multiplies);
  const auto rows = nearest(spec.in_height, box.top, box.bottom, spec.out_height, crop, multiplies);
  for (const std::int64_t y : rows) {
    for (const std::int64_t x : columns) {
      if (x < 0 || y < 0) {
        std::memset(dst, 0, pixel_bytes);
      } else {
        const auto at = static_cast<std::size_t>(y) * spec.in_width + static_cast<std::size_t>(x);
        std::memcpy(dst, src + at * pixel_bytes, pixel_bytes);
      }
      dst += pixel_bytes;
    }
  }
}

// Colours times alpha, rounded; alpha, the last channel, is unchanged.
void premultiply(const std::uint8_t* src, std::size_t channels, std::uint8_t* dst, std::size_t n_pixels) {
  for (std::size_t i = 0; i < n_pixels; ++i, src += channels, dst += channels) {
    const unsigned alpha = src[channels - 1];
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      const unsigned product = src[c] * alpha + 128U;
      dst[c] = static_cast<std::uint8_t>(((product >> 8U) + product) >> 8U);
    }
    dst[channels - 1] = static_cast<std::uint8_t>(alpha);
  }
}

void unmultiply(std::uint8_t* pixels, std::size_t channels, std::size_t n_pixels) {
  for (std::size_t i = 0; i < n_pixels; ++i, pixels += channels) {
    const unsigned alpha = pixels[channels - 1];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      pixels[c] = static_cast<std::uint8_t>(std::min(255U * pixels[c] / alpha, 255U));
    }
  }
}

void resize_bytes(const ResizeSpec& spec, const std::uint8_t* src, std::uint8_t* dst) {
  const bool has_alpha = spec.channels % 2 == 0 && spec.filter != Filter::kNearest;
  const auto in_stride = static_cast<std::ptrdiff_t>(spec.channels * spec.in_width);
  const auto out_stride = static_cast<std::ptrdiff_t>(spec.channels * spec.out_width);
  std::vector<std::uint8_t> weighted;
  if (has_alpha) {
    weighted.resize(spec.channels * spec.in_width * spec.in_height);
    premultiply(src, spec.channels, weighted.data(), spec.in_width * spec.in_height);
    src = weighted.data();
  }
  std::vector<std::byte> scratch;
  Resizer(spec).run(src, in_stride, dst, out_stride, scratch);
  if (has_alpha) unmultiply(dst, spec.channels, spec.out_width * spec.out_height);
}

bool is_copy(const ResizeSpec& spec) {
  const Sides box = sides_of(spec);
  return spec.in_width == spec.out_width && spec.in_height == spec.out_height && box.left == 0 && box.top == 0 &&
         box.right == static_cast<float>(spec.in_width) && box.bottom == static_cast<float>(spec.in_height);
}

}  // namespace

void resize_array(const ResizeSpec& spec, DType dtype, const std::byte* src, std::byte* dst) {
  const bool deep = dtype == DType::kU16 || dtype == DType::kI32 || dtype == DType::kF32;
  if (dtype != DType::kU8 && (!deep || spec.channels != 1)) {
    throw std::invalid_argument("resize: expected uint8 of 1 to 4 channels, or uint16, int32 or float32 of one");
  }
  if (is_copy(spec)) {
    std::memcpy(dst, src, spec.in_width * spec.in_height * spec.channels * size_of(dtype));
  } else if (spec.filter == Filter::kNearest || (deep && is_crop(spec))) {
    pick_nearest(spec, dtype, src, dst);
  } else if (dtype == DType::kU8) {
    resize_bytes(spec, reinterpret_cast<const std::uint8_t*>(src), reinterpret_cast<std::uint8_t*>(dst));
  } else if (dtype == DType::kU16) {
    resize_numbers(spec, reinterpret_cast<const std::uint16_t*>(src), reinterpret_cast<std::uint16_t*>(dst));
  } else if (dtype == DType::kI32) {
    resize_numbers(spec, reinterpret_cast<const std::int32_t*>(src), reinterpret_cast<std::int32_t*>(dst));
  } else {
    resize_numbers(spec, reinterpret_cast<const float*>(src), reinterpret_cast<float*>(dst));
  }
}

}  // namespace fastbatch
