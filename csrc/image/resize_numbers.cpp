// SPDX-License-Identifier: MIT
#include "image/resize_numbers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "image/resize_axis.h"
#include "kernels/weigh.h"

namespace fastbatch {
namespace {

constexpr std::size_t kRows = kernels::kWeighedRows;  // summed together in the horizontal pass: independent sums

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

Window window_of(const ResizeSpec& spec) { return spec.window.value_or(Window{0, 0, spec.out_width, spec.out_height}); }

// True if the resize keeps the scale and starts on a whole pixel.
bool is_crop(const ResizeSpec& spec) {
  const Sides box = sides_of(spec);
  const auto whole = [](float edge) { return edge == static_cast<float>(static_cast<std::int64_t>(edge)); };
  return whole(box.left) && whole(box.top) && box.right - box.left == static_cast<float>(spec.out_width) &&
         box.bottom - box.top == static_cast<float>(spec.out_height);
}

// Elements of a row-major array, `stride` elements from row to row.
template <typename T>
struct Rows {
  T* first;
  std::size_t stride;
  [[nodiscard]] T* operator[](std::size_t y) const { return first + y * stride; }
};

// The source elements that the outputs use are in [begin, end).
struct Extent {
  std::size_t begin, end;
};

Extent extent_of(const ExactTaps& taps, std::size_t in) {
  Extent extent{in, 0};
  for (std::size_t i = 0; i < taps.start.size(); ++i) {
    extent.begin = std::min<std::size_t>(extent.begin, taps.start[i]);
    extent.end = std::max<std::size_t>(extent.end, taps.start[i] + taps.count[i]);
  }
  extent.end = std::max(extent.begin, extent.end);
  return extent;
}

// As resize_rows() by vectors; false, and nothing is done, without them.
bool resize_rows_by_vectors(const ExactTaps& taps, Extent from, std::size_t channels, Rows<const std::uint16_t> src,
                            std::size_t height, Rows<std::uint16_t> dst) {
  const kernels::RowTaps row_taps{taps.start, taps.count, taps.weights.data(), taps.most, channels};
  const std::size_t n = (from.end - from.begin) * channels;
  std::vector<std::uint16_t> block(n * kRows);
  std::vector<std::uint16_t> unused(taps.start.size() * channels);  // outputs of rows behind the last one
  for (std::size_t y = 0; y < height; y += kRows) {
    std::array<const std::uint16_t*, kRows> rows;
    std::array<std::uint16_t*, kRows> outputs;
    for (std::size_t r = 0; r < kRows; ++r) {
      rows[r] = src[std::min(y + r, height - 1)];
      outputs[r] = y + r < height ? dst[y + r] : unused.data();
    }
    if (!kernels::weigh_rows(row_taps, from.begin, rows.data(), n, block.data(), outputs.data())) return false;
  }
  return true;
}

// `src` begins at the column `from.begin`.
template <typename T>
void resize_rows(const ExactTaps& taps, Extent from, std::size_t channels, Rows<const T> src, std::size_t height,
                 Rows<T> dst) {
  if constexpr (std::is_same_v<T, std::uint16_t>) {
    if (resize_rows_by_vectors(taps, from, channels, src, height, dst)) return;
  }
  const std::size_t n = (from.end - from.begin) * channels;
  std::vector<double> block(n * kRows);  // element by element, the rows of a group
  for (std::size_t y = 0; y < height; y += kRows) {
    const std::size_t n_rows = std::min(kRows, height - y);
    for (std::size_t r = 0; r < kRows; ++r) {
      const T* const row = src[y + std::min(r, n_rows - 1)];
      for (std::size_t x = 0; x < n; ++x) block[x * kRows + r] = static_cast<double>(row[x]);
    }
    for (std::size_t i = 0; i < taps.start.size(); ++i) {
      const double* const weights = taps.weights.data() + i * taps.most;
      const double* const first = block.data() + (taps.start[i] - from.begin) * channels * kRows;
      for (std::size_t c = 0; c < channels; ++c) {
        std::array<double, kRows> sums{};
        for (std::size_t k = 0; k < taps.count[i]; ++k) {
          const double* const at = first + (k * channels + c) * kRows;
          for (std::size_t r = 0; r < kRows; ++r) sums[r] += at[r] * weights[k];
        }
        for (std::size_t r = 0; r < n_rows; ++r) dst[y + r][i * channels + c] = to_element(sums[r], T{});
      }
    }
  }
}

// `src` begins at the row `from.begin`; `width` in elements.
template <typename T>
void resize_columns(const ExactTaps& taps, Extent from, std::size_t width, Rows<const T> src, Rows<T> dst) {
  std::vector<double> sums(width);
  for (std::size_t i = 0; i < taps.start.size(); ++i) {
    std::ranges::fill(sums, 0.0);
    for (std::size_t k = 0; k < taps.count[i]; ++k) {
      const T* const row = src[taps.start[i] + k - from.begin];
      const double weight = taps.weights[i * taps.most + k];
      for (std::size_t x = 0; x < width; ++x) sums[x] += static_cast<double>(row[x]) * weight;
    }
    T* const out = dst[i];
    for (std::size_t x = 0; x < width; ++x) out[x] = to_element(sums[x], T{});
  }
}

template <typename T>
void weigh(const ResizeSpec& spec, Rows<const T> src, Rows<T> dst) {
  const Sides box = sides_of(spec);
  const Window part = window_of(spec);
  const std::size_t channels = spec.channels;
  const auto by_row = [&] {
    return make_exact_taps(spec.in_width, box.left, box.right, spec.out_width, spec.filter, part.x, part.width);
  };
  const auto by_column = [&] {
    return make_exact_taps(spec.in_height, box.top, box.bottom, spec.out_height, spec.filter, part.y, part.height);
  };
  const auto at = [&](std::size_t y, std::size_t x) { return Rows<const T>{src[y] + x * channels, src.stride}; };
  const bool keeps_width =
      spec.in_width == spec.out_width && box.left == 0 && box.right == static_cast<float>(spec.out_width);
  const bool keeps_height =
      spec.in_height == spec.out_height && box.top == 0 && box.bottom == static_cast<float>(spec.out_height);
  if (keeps_height) {
    const ExactTaps columns = by_row();
    const Extent x = extent_of(columns, spec.in_width);
    return resize_rows(columns, x, channels, at(part.y, x.begin), part.height, dst);
  }
  const ExactTaps rows = by_column();
  const Extent y = extent_of(rows, spec.in_height);
  if (keeps_width) return resize_columns(rows, y, part.width * channels, at(y.begin, part.x), dst);
  const ExactTaps columns = by_row();
  const Extent x = extent_of(columns, spec.in_width);
  const bool columns_first = resizes_columns_first(spec);
  const std::size_t width = (columns_first ? x.end - x.begin : part.width) * channels;
  std::vector<T> memory(width * (columns_first ? part.height : y.end - y.begin));
  const Rows<T> between{memory.data(), width};
  const Rows<const T> made{memory.data(), width};
  if (columns_first) {
    resize_columns(rows, y, width, at(y.begin, x.begin), between);
    return resize_rows(columns, x, channels, made, part.height, dst);
  }
  resize_rows(columns, x, channels, at(y.begin, x.begin), y.end - y.begin, between);
  resize_columns(rows, y, width, made, dst);
}

template <typename T>
void weigh_bytes(const ResizeSpec& spec, const std::byte* src, std::size_t src_stride, std::byte* dst,
                 std::size_t dst_stride) {
  weigh<T>(spec, {reinterpret_cast<const T*>(src), src_stride / sizeof(T)},
           {reinterpret_cast<T*>(dst), dst_stride / sizeof(T)});
}

// The source element of each output, or negative. Pillow accumulates the scale from pixel to pixel, but multiplies for
// 16 bits.
std::vector<std::int64_t> nearest(std::size_t in, float low, float high, std::size_t out, bool crop, bool multiplies,
                                  std::size_t begin, std::size_t size) {
  std::vector<std::int64_t> picks(size);
  if (multiplies && !crop) {
    const double scale = static_cast<double>(high - low) / static_cast<double>(out);
    for (std::size_t i = 0; i < size; ++i) {
      const double at = scale * (static_cast<double>(begin + i) + 0.5) + static_cast<double>(low);
      picks[i] = at >= 0.0 && at < static_cast<double>(in) ? static_cast<std::int64_t>(at) : -1;
    }
    return picks;
  }
  const Axis axis = make_axis(in, low, high, out, Filter::kNearest, crop, begin, size);
  for (std::size_t i = 0; i < size; ++i) {
    picks[i] = axis.kind == Axis::Kind::kPick ? axis.pick[i] : static_cast<std::int64_t>(axis.first + i);
  }
  return picks;
}

}  // namespace

bool is_copy(const ResizeSpec& spec) noexcept {
  const Sides box = sides_of(spec);
  return spec.in_width == spec.out_width && spec.in_height == spec.out_height && box.left == 0 && box.top == 0 &&
         box.right == static_cast<float>(spec.in_width) && box.bottom == static_cast<float>(spec.in_height);
}

bool selects_pixels(const ResizeSpec& spec) noexcept {
  return spec.filter == Filter::kNearest || is_copy(spec) || is_crop(spec);
}

void resize_nearest(const ResizeSpec& spec, DType dtype, const std::byte* src, std::size_t src_stride, std::byte* dst,
                    std::size_t dst_stride) {
  const Sides box = sides_of(spec);
  const Window part = window_of(spec);
  const std::size_t pixel_bytes = size_of(dtype) * spec.channels;
  if (is_copy(spec)) {
    for (std::size_t y = 0; y < part.height; ++y) {
      std::memcpy(dst + y * dst_stride, src + (part.y + y) * src_stride + part.x * pixel_bytes,
                  part.width * pixel_bytes);
    }
    return;
  }
  const bool multiplies = dtype == DType::kU16;
  const bool crop = is_crop(spec);
  const auto columns =
      nearest(spec.in_width, box.left, box.right, spec.out_width, crop, multiplies, part.x, part.width);
  const auto rows =
      nearest(spec.in_height, box.top, box.bottom, spec.out_height, crop, multiplies, part.y, part.height);
  for (const std::int64_t y : rows) {
    std::byte* at = dst;
    dst += dst_stride;
    for (const std::int64_t x : columns) {
      if (x < 0 || y < 0) {
        std::memset(at, 0, pixel_bytes);
      } else {
        std::memcpy(at, src + static_cast<std::size_t>(y) * src_stride + static_cast<std::size_t>(x) * pixel_bytes,
                    pixel_bytes);
      }
      at += pixel_bytes;
    }
  }
}

void resize_numbers(const ResizeSpec& spec, DType dtype, const std::byte* src, std::size_t src_stride, std::byte* dst,
                    std::size_t dst_stride) {
  if (selects_pixels(spec)) return resize_nearest(spec, dtype, src, src_stride, dst, dst_stride);
  switch (dtype) {
    case DType::kU16: return weigh_bytes<std::uint16_t>(spec, src, src_stride, dst, dst_stride);
    case DType::kI32: return weigh_bytes<std::int32_t>(spec, src, src_stride, dst, dst_stride);
    case DType::kF32: return weigh_bytes<float>(spec, src, src_stride, dst, dst_stride);
    default: throw std::invalid_argument("resize: expected uint16, int32 or float32");
  }
}

}  // namespace fastbatch
