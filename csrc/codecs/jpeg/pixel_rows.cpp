// SPDX-License-Identifier: MIT
#include "codecs/jpeg/pixel_rows.h"

#include <algorithm>
#include <cstring>

#include "codecs/color.h"
#include "kernels/jpeg_color.h"
#include "kernels/jpeg_idct.h"
#include "kernels/jpeg_upsample.h"

namespace fastbatch {
namespace {

constexpr std::size_t kPadding = 64;  // before and after the samples of a row: neighbours of the outermost ones

// Samples that pixels [begin, end) need, of `size`.
struct Span {
  std::size_t begin;
  std::size_t end;
};
Span samples_of(std::size_t begin, std::size_t end, unsigned expand, bool interpolates, std::size_t size) {
  Span span{begin / expand, (end - 1) / expand + 1};
  if (interpolates) span = {span.begin - std::min<std::size_t>(span.begin, 1), span.end + 1};
  return {span.begin, std::min(span.end, size)};
}

}  // namespace

bool JpegPixelRows::start(const JpegFrame& frame, unsigned denominator, const Window& window, ColorMode mode) {
  const ScaledFrame scaled = scaled_frame(frame, denominator);
  if (scaled.components.empty()) return false;
  colors_ = frame.colors;
  mode_ = mode;
  window_ = window;
  mcu_height_ = scaled.mcu_height;
  n_mcu_rows_ = frame.mcu_rows();
  interpolates_rows_ = false;
  first_mcu_row_ = n_mcu_rows_;
  end_mcu_row_ = 0;
  planes_.resize(scaled.components.size());
  for (std::size_t c = 0; c < planes_.size(); ++c) {
    Plane& plane = planes_[c];
    const auto& quantizers = frame.components[c].quantizers;
    if (*std::max_element(quantizers.begin(), quantizers.end()) > kernels::kLargestQuantizer) return false;
    plane.quantizers.assign(quantizers.begin(), quantizers.end());
    plane.scaled = scaled.components[c];
    plane.v = frame.components[c].v;
    plane.height_in_blocks = frame.height_in_blocks(c);
    place(plane);
    interpolates_rows_ |= plane.scaled.interpolates_y();
    first_mcu_row_ = std::min(first_mcu_row_, plane.first_row / plane.scaled.mcu_height);
    end_mcu_row_ = std::max(end_mcu_row_, (plane.end_row - 1) / plane.scaled.mcu_height + 1);
  }
  mcu_row_ = first_mcu_row_;
  next_ = complete_ = window.y;
  converted_.resize(8 * window.width);
  return true;
}

void JpegPixelRows::place(Plane& plane) const {
  const ScaledComponent& scaled = plane.scaled;
  const Span columns =
      samples_of(window_.x, window_.x + window_.width, scaled.expand_x, scaled.interpolates_x(), scaled.width);
  const Span rows =
      samples_of(window_.y, window_.y + window_.height, scaled.expand_y, scaled.interpolates_y(), scaled.height);
  plane.columns = {columns.begin / scaled.side, (columns.end - 1) / scaled.side + 1};
  plane.first_row = rows.begin;
  plane.end_row = rows.end;
  const std::size_t width = (plane.columns.end - plane.columns.first) * scaled.side;
  plane.stride = (width + kPadding - 1) / kPadding * kPadding + 2 * kPadding;
  plane.samples.resize(plane.stride * (scaled.mcu_height + 1));
  plane.upsampled.resize(window_.width + 2 * kPadding);
}

std::uint8_t* JpegPixelRows::row_of(Plane& plane, std::size_t row) const noexcept {
  // Row 0 of the buffer is the one above the MCU row that was pushed last, mcu_row_ - 1.
  const std::size_t above = (mcu_row_ - 1) * plane.scaled.mcu_height;
  return plane.samples.data() + (row + 1 - above) * plane.stride + kPadding;
}

// Copies the outermost samples of the image to where their neighbours would be.
void JpegPixelRows::extend_edges(const Plane& plane, std::uint8_t* row) const {
  const std::size_t first = plane.columns.first * plane.scaled.side;
  if (first == 0) row[-1] = row[0];
  const std::size_t end = plane.scaled.width - first;
  if (end <= (plane.columns.end - plane.columns.first) * plane.scaled.side) row[end] = row[end - 1];
}

bool JpegPixelRows::push(std::span<const JpegBlockRow> rows) {
  const std::size_t mcu_row = mcu_row_++;
  bool in_range = true;
  std::size_t row = 0;
  for (Plane& plane : planes_) {
    const ScaledComponent& scaled = plane.scaled;
    if (mcu_row > first_mcu_row_) {
      std::memcpy(plane.samples.data(), plane.samples.data() + scaled.mcu_height * plane.stride, plane.stride);
    }
    for (std::size_t k = 0; k < plane.v; ++k, ++row) {
      const std::size_t block_row = mcu_row * plane.v + k;
      const std::size_t first = block_row * scaled.side;
      const bool needed = first < plane.end_row && first + scaled.side > plane.first_row;
      if (!needed || block_row >= plane.height_in_blocks) continue;
      std::uint8_t* const target = row_of(plane, first);
      in_range &= kernels::inverse_dct(scaled.side, rows[row].coefficients, rows[row].last,
                                       plane.columns.end - plane.columns.first, plane.quantizers.data(), target,
                                       static_cast<std::ptrdiff_t>(plane.stride));
      if (!scaled.interpolates_x()) continue;
      for (std::size_t y = 0; y < scaled.side; ++y) extend_edges(plane, target + y * plane.stride);
    }
  }
  const bool last = mcu_row_ == n_mcu_rows_;
  const std::size_t complete = mcu_row_ * mcu_height_ - (interpolates_rows_ && !last ? 1 : 0);
  complete_ = std::clamp(complete, complete_, window_.y + window_.height);
  return in_range;
}

std::size_t JpegPixelRows::read(std::uint8_t* dst, std::size_t n) {
  const std::size_t count = std::min(n, ready());
  const std::size_t stride = pixel_bytes_of(mode_) * window_.width;
  for (std::size_t i = 0; i < count; ++i) write(next_++, dst + i * stride);
  return count;
}

// A component's samples for the pixels of row y of the window.
const std::uint8_t* JpegPixelRows::pixels_of(Plane& plane, std::size_t y) {
  const ScaledComponent& scaled = plane.scaled;
  const std::size_t row = y / scaled.expand_y;
  const std::size_t column = window_.x / scaled.expand_x;
  const std::size_t n = (window_.x + window_.width - 1) / scaled.expand_x + 1 - column;
  const std::size_t offset = column - plane.columns.first * scaled.side;
  const std::uint8_t* const nearer = row_of(plane, row) + offset;
  if (scaled.expand_x == 1 && !scaled.interpolates_y()) return nearer;

  std::uint8_t* const dst = plane.upsampled.data();
  if (scaled.interpolates_y()) {
    const bool below = y % 2 == 1;
    const std::size_t other = below ? std::min(row + 1, scaled.height - 1) : row - std::min<std::size_t>(row, 1);
    const std::uint8_t* const farther = row_of(plane, other) + offset;
    if (scaled.expand_x == 1) {
      kernels::upsample_rows(nearer, farther, below, dst, n);
    } else {
      kernels::upsample_both(nearer, farther, dst, n);
    }
  } else if (scaled.interpolates_x()) {
    kernels::upsample_columns(nearer, dst, n);
  } else {
    kernels::repeat_samples(nearer, scaled.expand_x, dst, n);
  }
  return dst + window_.x % scaled.expand_x;
}

void JpegPixelRows::write(std::size_t y, std::uint8_t* dst) {
  const std::uint8_t* rows[4] = {};
  for (std::size_t c = 0; c < planes_.size(); ++c) rows[c] = pixels_of(planes_[c], y);
  const std::size_t n = window_.width;
  if (mode_ == ColorMode::kRgb || mode_ == ColorMode::kRgba) return write_rgb(rows, pixel_bytes_of(mode_), dst);
  const std::uint8_t* gray = rows[0];
  if (colors_ != JpegColors::kGray) {
    std::uint8_t* const rgb = converted_.data();
    std::uint8_t* const luma = mode_ == ColorMode::kGray ? dst : rgb + 3 * n;
    write_rgb(rows, 3, rgb);
    rgb_to_gray(rgb, 3, luma, n);
    gray = luma;
  }
  if (mode_ == ColorMode::kGray16) {
    widen_gray(gray, dst, n);
  } else if (gray != dst) {
    std::memcpy(dst, gray, n);
  }
}

void JpegPixelRows::write_rgb(const std::uint8_t* const* planes, std::size_t channels, std::uint8_t* dst) {
  const std::size_t n = window_.width;
  switch (colors_) {
    case JpegColors::kGray: return kernels::join_planes(planes[0], planes[0], planes[0], channels, dst, n);
    case JpegColors::kRgb: return kernels::join_planes(planes[0], planes[1], planes[2], channels, dst, n);
    case JpegColors::kYcc: return kernels::ycc_to_rgb(planes[0], planes[1], planes[2], channels, dst, n);
    case JpegColors::kCmyk:
    case JpegColors::kYcck: break;
  }
  // YCCK is YCbCr of the inverted colours.
  std::uint8_t* const cmyk = converted_.data() + 4 * n;
  const bool inverted = colors_ == JpegColors::kYcck;
  (inverted ? kernels::ycc_to_rgb : kernels::join_planes)(planes[0], planes[1], planes[2], 4, cmyk, n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; inverted && c < 3; ++c) cmyk[4 * i + c] = static_cast<std::uint8_t>(255 - cmyk[4 * i + c]);
    cmyk[4 * i + 3] = planes[3][i];
  }
  if (channels == 3) return cmyk_to_rgb(cmyk, dst, n);
  std::uint8_t* const rgb = dst + n;  // the last 3 * n bytes: widened in place
  cmyk_to_rgb(cmyk, rgb, n);
  rgb_to_rgba(rgb, dst, n);
}

}  // namespace fastbatch
