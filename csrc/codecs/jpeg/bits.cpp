// SPDX-License-Identifier: MIT
#include "codecs/jpeg/bits.h"

#include <algorithm>

namespace fastbatch::jpeg {
namespace {

constexpr std::size_t kChunk = std::size_t{16} << 10U;
constexpr std::size_t kLookAhead = 8;  // bytes that Bits may have loaded beyond the last one in use
constexpr std::uint8_t kFirstMarker = 0xC0;

}  // namespace

void EntropyData::open(std::span<const std::uint8_t> file, std::size_t offset) {
  file_ = file;
  offset_ = offset;
  stop_ = file.size();
  moved_ = 0;
  buffer_.resize(kChunk + 2 * kMargin);
  end_ = buffer_.data();
  is_complete_ = false;
  bits = {buffer_.data(), 0, 0};
  limit_ = buffer_.data() - 1;  // nothing is loaded yet
}

bool EntropyData::open_at(std::span<const std::uint8_t> file, std::uint64_t bit, std::size_t stop) {
  if (stop > file.size() || bit / 8 >= stop) return false;
  open(file, static_cast<std::size_t>(bit / 8));
  stop_ = stop;
  if (!load(bits)) return false;
  bits.refill();
  bits.skip(static_cast<unsigned>(bit % 8));
  return true;
}

// Moves what is left to the front, and fills the buffer up to a marker or its end.
bool EntropyData::load(Bits& current) {
  if (is_complete_) return false;
  std::uint8_t* const begin = buffer_.data();
  // `at` is not beyond the end: no MCU takes more than the margin.
  const auto kept = static_cast<std::size_t>(end_ - current.at);
  moved_ += static_cast<std::uint64_t>(current.at - begin);
  std::memmove(begin, current.at, kept);
  current.at = begin;
  std::uint8_t* out = begin + kept;
  std::uint8_t* const full = begin + kMargin + kChunk;
  while (out < full) {
    const std::uint8_t* const from = file_.data() + offset_;
    if (offset_ >= stop_) {
      if (stop_ == file_.size()) return false;  // the file ends without a marker
      is_complete_ = true;
      break;
    }
    const std::size_t n = std::min(static_cast<std::size_t>(full - out), stop_ - offset_);
    const auto* stop = static_cast<const std::uint8_t*>(std::memchr(from, 0xFF, n));
    const std::size_t plain = stop == nullptr ? n : static_cast<std::size_t>(stop - from);
    std::memcpy(out, from, plain);
    out += plain;
    offset_ += plain;
    if (stop == nullptr) continue;
    if (file_.size() - offset_ < 2) return false;
    const std::uint8_t next = file_[offset_ + 1];
    if (next == 0) {
      *out++ = 0xFF;
      offset_ += 2;
      continue;
    }
    if (next < kFirstMarker || next == 0xFF) return false;
    is_complete_ = true;
    break;
  }
  end_ = out;
  std::memset(out, 0, is_complete_ ? kMargin : 0);
  limit_ = is_complete_ ? end_ + kLookAhead : end_ - kMargin;
  return true;
}

bool EntropyData::finish(const Bits& current) {
  return has_taken(current) && find_marker();  // decoders skip data that no MCU asked for, and so do we
}

bool EntropyData::find_marker() {
  if (is_complete_) return true;
  std::size_t at = offset_;
  for (;;) {
    const std::size_t n = file_.size() - at;
    const auto* stop = n == 0 ? nullptr : static_cast<const std::uint8_t*>(std::memchr(file_.data() + at, 0xFF, n));
    if (stop == nullptr) return false;
    at = static_cast<std::size_t>(stop - file_.data());
    if (file_.size() - at < 2) return false;
    const std::uint8_t next = file_[at + 1];
    if (next >= kFirstMarker && next != 0xFF) {
      offset_ = at;
      is_complete_ = true;
      return true;
    }
    if (next != 0) return false;
    at += 2;
  }
}

}  // namespace fastbatch::jpeg
