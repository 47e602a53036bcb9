// SPDX-License-Identifier: MIT
#include "image/resize.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "image/resize_stream.h"

namespace fastbatch {
namespace {

constexpr std::size_t kLargest = std::numeric_limits<std::int32_t>::max();

void expect(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

bool within(const Window& part, std::size_t width, std::size_t height) {
  return part.width <= width && part.x <= width - part.width && part.height <= height && part.y <= height - part.height;
}

Axis empty_axis() { return {}; }

}  // namespace

bool resizes_columns_first(const ResizeSpec& spec) noexcept {
  const auto shrinks = [](std::size_t in, std::size_t out) {
    return static_cast<std::int64_t>(in) - static_cast<std::int64_t>(out);
  };
  const std::int64_t shorter = shrinks(spec.in_height, spec.out_height);
  return shorter > 0 && shorter > 2 * shrinks(spec.in_width, spec.out_width);
}

Resizer::Resizer(const ResizeSpec& spec)
    : spec_(spec),
      given_(spec.given.value_or(Window{0, 0, spec.in_width, spec.in_height})),
      columns_(empty_axis()),
      rows_(empty_axis()) {
  const auto size_fits = [](std::size_t size) { return size >= 1 && size <= kLargest; };
  expect(size_fits(spec.in_width) && size_fits(spec.in_height),
         "resize: expected a source of 1 to 2^31 - 1 pixels a side");
  expect(size_fits(spec.out_width) && size_fits(spec.out_height),
         "resize: expected a size of 1 to 2^31 - 1 pixels a side");
  expect(spec.channels >= 1 && spec.channels <= 4, "resize: expected 1 to 4 channels");
  const Window window = spec.window.value_or(Window{0, 0, spec.out_width, spec.out_height});
  expect(within(window, spec.out_width, spec.out_height), "resize: expected a window inside of the output");
  expect(within(given_, spec.in_width, spec.in_height), "resize: expected the given part to be inside of the source");

  const auto in_width = static_cast<float>(spec.in_width);
  const auto in_height = static_cast<float>(spec.in_height);
  const Box box = spec.box.value_or(Box{0, 0, in_width, in_height});
  const auto left = static_cast<float>(box.left);
  const auto top = static_cast<float>(box.top);
  const auto right = static_cast<float>(box.right);
  const auto bottom = static_cast<float>(box.bottom);
  expect(left >= 0 && top >= 0 && right <= in_width && bottom <= in_height,
         "resize: expected a box inside of the source");
  expect(right >= left && bottom >= top, "resize: expected a box with left <= right and top <= bottom");

  const bool crop = left == static_cast<float>(static_cast<std::int64_t>(left)) &&
                    top == static_cast<float>(static_cast<std::int64_t>(top)) &&
                    right - left == static_cast<float>(spec.out_width) &&
                    bottom - top == static_cast<float>(spec.out_height);
  columns_ = make_axis(spec.in_width, left, right, spec.out_width, spec.filter, crop, window.x, window.width);
  rows_ = make_axis(spec.in_height, top, bottom, spec.out_height, spec.filter, crop, window.y, window.height);

  vertical_first_ = resizes_columns_first(spec);

  if (rows_.kind == Axis::Kind::kTaps) {
    const kernels::Taps& taps = rows_.taps;
    keep_ = taps.start;
    for (std::size_t i = keep_.size(); i-- > 1;) keep_[i - 1] = std::min(keep_[i - 1], keep_[i]);
    for (std::size_t i = 0; i < keep_.size(); ++i) {
      rows_kept_ = std::max<std::size_t>(rows_kept_, taps.start[i] + taps.count[i] - keep_[i]);
    }
  }
  const Window all = needed();
  expect(all.width == 0 || all.height == 0 ||
             (given_.x <= all.x && given_.y <= all.y && given_.x + given_.width >= all.x + all.width &&
              given_.y + given_.height >= all.y + all.height),
         "resize: expected the given part to cover the needed one");
}

Window Resizer::needed() const noexcept {
  return {columns_.first, rows_.first, columns_.end - columns_.first, rows_.end - rows_.first};
}

void Resizer::run(const std::uint8_t* src, std::ptrdiff_t src_stride, std::uint8_t* dst, std::ptrdiff_t dst_stride,
                  std::vector<std::byte>& scratch) const {
  ResizeStream(*this, dst, dst_stride, scratch).push(src, src_stride, given_.height);
}

const Resizer& ResizerCache::get(const ResizeSpec& spec) {
  const auto found = std::ranges::find_if(kept_, [&](const auto& resizer) { return resizer->spec() == spec; });
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
  } else {
    auto made = std::make_unique<const Resizer>(spec);
    if (kept_.size() >= limit_ && !kept_.empty()) kept_.pop_back();
    kept_.insert(kept_.begin(), std::move(made));
  }
  return *kept_.front();
}

}  // namespace fastbatch
