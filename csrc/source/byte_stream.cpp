// SPDX-License-Identifier: MIT
#include "source/byte_stream.h"

#include <algorithm>
#include <cstring>

namespace fastbatch {

// Puts the next bytes into the empty buffer; false at the end.
bool ByteStream::fill() {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), end_ - next_));
  used_ = 0;
  filled_ = n == 0 ? 0 : read_(next_, std::span(buffer_).first(n));
  next_ += filled_;
  if (filled_ < n) end_ = next_;
  return filled_ != 0;
}

bool ByteStream::take(std::span<std::byte> dst) {
  while (!dst.empty()) {
    if (used_ == filled_ && dst.size() >= buffer_.size()) {
      if (dst.size() > end_ - next_ || read_(next_, dst) != dst.size()) return false;
      next_ += dst.size();
      return true;
    }
    if (used_ == filled_ && !fill()) return false;
    const std::size_t n = std::min(dst.size(), filled_ - used_);
    std::memcpy(dst.data(), buffer_.data() + used_, n);
    used_ += n;
    dst = dst.subspan(n);
  }
  return true;
}

std::optional<std::uint8_t> ByteStream::take_byte() {
  if (used_ == filled_ && !fill()) return {};
  return std::to_integer<std::uint8_t>(buffer_[used_++]);
}

}  // namespace fastbatch
