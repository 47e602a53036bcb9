// SPDX-License-Identifier: MIT
#include "codecs/jpeg/seek_table.h"

#include <algorithm>
#include <cstring>

namespace fastbatch::jpeg {
namespace {

constexpr std::uint32_t kPointsPerRow = 8;  // as many, or fewer
constexpr std::uint32_t kLeastStep = 4;     // MCUs

}  // namespace

SeekGrid::SeekGrid(const Frame& frame) noexcept
    : width_(frame.mcus_per_row),
      rows_(frame.mcu_rows),
      step_(std::max((width_ + kPointsPerRow - 1) / kPointsPerRow, kLeastStep)),
      per_row_((width_ + step_ - 1) / step_) {}

SeekPoint SeekTable::operator[](std::size_t i) const noexcept {
  const std::uint16_t* const words = words_.data() + i * stride_;
  SeekPoint point;
  point.bit = words[0] | std::uint64_t{words[1]} << 16U;
  for (std::size_t c = 0; c < stride_ - kWordsOfBit; ++c) {
    point.dc[c] = static_cast<std::int16_t>(words[kWordsOfBit + c]);
  }
  return point;
}

void SeekTable::add(const SeekPoint& point) {
  words_.push_back(static_cast<std::uint16_t>(point.bit));
  words_.push_back(static_cast<std::uint16_t>(point.bit >> 16U));
  for (std::size_t c = 0; c < stride_ - kWordsOfBit; ++c) words_.push_back(static_cast<std::uint16_t>(point.dc[c]));
}

std::size_t count_data(std::span<const std::uint8_t> file, std::size_t begin, std::size_t end) noexcept {
  if (begin > end || end > file.size()) return 0;
  const auto range = file.subspan(begin, end - begin);
  return range.size() - static_cast<std::size_t>(std::ranges::count(range, 0xFF));
}

void find_in_file(std::span<const std::uint8_t> file, std::size_t origin, std::span<SeekPoint> points) noexcept {
  std::size_t at = origin;  // in the file
  std::uint64_t byte = 0;   // of the data
  for (SeekPoint& point : points) {
    const std::uint64_t wanted = point.bit / 8;
    while (byte < wanted) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(wanted - byte, file.size() - at));
      const auto* const stop = static_cast<const std::uint8_t*>(std::memchr(file.data() + at, 0xFF, n));
      const std::size_t plain = stop == nullptr ? n : static_cast<std::size_t>(stop - (file.data() + at)) + 1;
      if (plain == 0) return;  // the end of the file
      byte += plain;
      at += plain + (stop == nullptr ? 0 : 1);
    }
    point.bit = at * std::uint64_t{8} + point.bit % 8;
  }
}

}  // namespace fastbatch::jpeg
