// SPDX-License-Identifier: MIT
#include "text/block.h"

#include <algorithm>
#include <cstring>

namespace fastbatch {

void TextBuffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  std::unique_ptr<std::byte[]> larger(new std::byte[capacity + kPadding]);  // uninitialised: pages are mapped when used
  if (size_ != 0) std::memcpy(larger.get(), memory_.get(), size_);
  memory_ = std::move(larger);
  capacity_ = capacity;
}

void TextBuffer::append(const void* src, std::size_t size) {
  if (size == 0) return;
  if (size_ + size > capacity_) reserve(std::max(size_ + size, 2 * capacity_));
  std::memcpy(memory_.get() + size_, src, size);
  size_ += size;
}

void TextBlock::clear() noexcept {
  text.resize(0);
  segments.clear();
  error = nullptr;
  n_items = 0;
  is_ascii = true;
  is_end_of_file = true;
  packed.resize(0);
}

TextPosition TextBlock::position_of(std::size_t at) const noexcept {
  auto after = std::upper_bound(segments.begin(), segments.end(), at,
                                [](std::size_t place, const TextSegment& segment) { return place < segment.at; });
  if (after == segments.begin()) return {};
  const TextSegment& segment = *--after;
  return {segment.position.unit, segment.position.byte + (at - segment.at)};
}

}  // namespace fastbatch
