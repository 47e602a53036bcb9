// SPDX-License-Identifier: MIT
#include "codecs/jpeg/headers.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace fastbatch::jpeg {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kLongestJpegSide = 65500;  // libjpeg's limit
constexpr unsigned kMostBlocksInMcu = 10;
constexpr unsigned kLargestQuantizer = 32767;  // libjpeg keeps them in 16 signed bits

enum Marker : std::uint8_t {
  kSof0 = 0xC0,
  kSof1 = 0xC1,
  kSof2 = 0xC2,
  kDht = 0xC4,
  kSoi = 0xD8,
  kEoi = 0xD9,
  kSos = 0xDA,
  kDqt = 0xDB,
  kDri = 0xDD,
  kApp0 = 0xE0,
  kApp14 = 0xEE,
  kApp15 = 0xEF,
  kCom = 0xFE,
};

std::uint32_t u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 8U | bytes[at + 1];
}

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char letter, std::uint8_t byte) { return static_cast<std::uint8_t>(letter) == byte; });
}

std::uint32_t blocks(std::uint32_t pixels, unsigned factor, unsigned factor_max) {
  return (pixels * factor + 8 * factor_max - 1) / (8 * factor_max);
}

}  // namespace

bool Headers::open(std::span<const std::byte> file) {
  *this = {};
  file_ = {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
  if (file_.size() < 4 || file_[0] != 0xFF || file_[1] != kSoi) return false;
  return read_until_scan(2) && !is_end_;
}

bool Headers::next_scan(std::size_t marker) {
  has_scan_ = false;
  return read_until_scan(marker);
}

bool Headers::has_end_marker() const noexcept {
  return file_.size() >= 2 && file_[file_.size() - 2] == 0xFF && file_[file_.size() - 1] == kEoi;
}

bool Headers::read_until_scan(std::size_t at) {
  while (!has_scan_) {
    if (file_.size() - at < 2 || file_[at] != 0xFF) return false;
    const std::uint8_t marker = file_[at + 1];
    at += 2;
    if (marker == kEoi) {
      is_end_ = true;
      return has_frame_;
    }
    if (file_.size() - at < 2) return false;
    const std::size_t size = u16(file_, at);
    if (size < 2 || size > file_.size() - at) return false;
    if (!read_segment(marker, file_.subspan(at + 2, size - 2))) return false;
    at += size;
  }
  scan_.data = at;
  return true;
}

bool Headers::read_segment(std::uint8_t marker, Segment segment) {
  switch (marker) {
    case kDqt: return read_quantization(segment);
    case kDht: return read_huffman(segment);
    case kSof0:
    case kSof1:
    case kSof2: frame_.is_progressive = marker == kSof2; return read_frame(segment);
    case kSos: return read_scan(segment);
    case kApp0: return read_app0(segment);
    case kApp14: return read_app14(segment);
    case kCom: return true;
    case kDri:
      if (segment.size() != 2) return false;
      tables_.restart_interval = u16(segment, 0);
      return true;
    default: return marker > kApp0 && marker <= kApp15;
  }
}

// A decoder takes the tables that are there at a component's first scan, so later ones would need care.
bool Headers::read_quantization(Segment segment) {
  if (scan_.n_components != 0) return false;
  while (!segment.empty()) {
    const bool wide = segment[0] >> 4U == 1;
    const unsigned index = segment[0] & 15U;
    const std::size_t size = 1 + (wide ? 2U : 1U) * std::size_t{kBlock};
    if (segment[0] >> 4U > 1 || index > 3 || segment.size() < size) return false;
    for (unsigned k = 0; k < kBlock; ++k) {
      const std::uint32_t value = wide ? u16(segment, 1 + 2 * std::size_t{k}) : segment[1 + k];
      if (value == 0 || value > kLargestQuantizer) return false;
      tables_.quantization[index][kNatural[k]] = static_cast<std::uint16_t>(value);
    }
    segment = segment.subspan(size);
  }
  return true;
}

bool Headers::read_huffman(Segment segment) {
  while (!segment.empty()) {
    const unsigned index = segment[0] & 15U;
    if (segment[0] >> 4U > 1 || index > 3 || segment.size() < 17) return false;
    const std::size_t n = std::accumulate(segment.begin() + 1, segment.begin() + 17, std::size_t{0});
    if (n > 256 || segment.size() < 17 + n) return false;
    (segment[0] >> 4U == 0 ? tables_.dc : tables_.ac)[index] = segment.subspan(1, 16 + n);
    segment = segment.subspan(17 + n);
  }
  return true;
}

bool Headers::read_frame(Segment segment) {
  if (has_frame_ || segment.size() < 6 || segment[0] != 8) return false;
  has_frame_ = true;
  frame_.size = {u16(segment, 3), u16(segment, 1)};
  frame_.n_components = segment[5];
  const unsigned n = frame_.n_components;
  if (n != 1 && n != 3 && n != 4) return false;
  if (segment.size() != 6 + std::size_t{3} * n) return false;
  if (frame_.size.width == 0 || frame_.size.height == 0) return false;
  if (std::max(frame_.size.width, frame_.size.height) > kLongestJpegSide) return false;
  unsigned in_mcu = 0;
  for (unsigned c = 0; c < n; ++c) {
    Component& component = frame_.components[c];
    const Segment bytes = segment.subspan(6 + std::size_t{3} * c, 3);
    component = {.id = bytes[0],
                 .h = static_cast<std::uint8_t>(bytes[1] >> 4U),
                 .v = static_cast<std::uint8_t>(bytes[1] & 15U),
                 .quantization = bytes[2]};
    for (unsigned other = 0; other < c; ++other) {
      if (frame_.components[other].id == component.id) return false;
    }
    if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4 || component.quantization > 3)
      return false;
    if (n == 1) component.h = component.v = 1;  // its blocks follow each other, whatever the factors are
    frame_.h_max = std::max<unsigned>(frame_.h_max, component.h);
    frame_.v_max = std::max<unsigned>(frame_.v_max, component.v);
    in_mcu += unsigned{component.h} * component.v;
  }
  if (in_mcu > kMostBlocksInMcu) return false;
  for (unsigned c = 0; c < n; ++c) {
    Component& component = frame_.components[c];
    if (frame_.h_max % component.h != 0 || frame_.v_max % component.v != 0) return false;
    component.width_in_blocks = blocks(frame_.size.width, component.h, frame_.h_max);
    component.height_in_blocks = blocks(frame_.size.height, component.v, frame_.v_max);
  }
  frame_.mcus_per_row = blocks(frame_.size.width, 1, frame_.h_max);
  frame_.mcu_rows = blocks(frame_.size.height, 1, frame_.v_max);
  return true;
}

bool Headers::read_scan(Segment segment) {
  if (!has_frame_ || segment.empty()) return false;
  if (scan_.n_components == 0 && !choose_colors()) return false;
  scan_ = {};
  scan_.n_components = segment[0];
  const unsigned n = scan_.n_components;
  if (n < 1 || n > frame_.n_components || segment.size() != 4 + std::size_t{2} * n) return false;
  for (unsigned i = 0; i < n; ++i) {
    const Segment bytes = segment.subspan(1 + std::size_t{2} * i, 2);
    // Components come in the order of the frame.
    unsigned c = i == 0 ? 0 : scan_.component[i - 1] + 1U;
    while (c < frame_.n_components && frame_.components[c].id != bytes[0]) ++c;
    if (c == frame_.n_components || bytes[1] >> 4U > 3 || (bytes[1] & 15U) > 3) return false;
    scan_.component[i] = static_cast<std::uint8_t>(c);
    scan_.dc[i] = static_cast<std::uint8_t>(bytes[1] >> 4U);
    scan_.ac[i] = static_cast<std::uint8_t>(bytes[1] & 15U);
    if (tables_.quantization[frame_.components[c].quantization][0] == 0) return false;
  }
  const Segment rest = segment.subspan(1 + std::size_t{2} * n, 3);
  scan_.first = rest[0];
  scan_.last = rest[1];
  scan_.high = rest[2] >> 4U;
  scan_.low = rest[2] & 15U;
  has_scan_ = true;
  return frame_.is_progressive || (scan_.first == 0 && scan_.last == kBlock - 1 && scan_.high == 0 && scan_.low == 0);
}

bool Headers::read_app0(Segment segment) {
  if (!starts_with(segment, "JFIF"sv)) return true;
  if (scan_.n_components != 0 || segment.size() < 14 || segment[4] != 0 || segment[5] != 1) return false;
  is_jfif_ = true;
  return true;
}

bool Headers::read_app14(Segment segment) {
  if (!starts_with(segment, "Adobe"sv)) return true;
  if (scan_.n_components != 0 || segment.size() < 12) return false;
  adobe_transform_ = segment[11];
  return true;
}

// The rules of libjpeg, as far as it follows them without a warning.
bool Headers::choose_colors() {
  const auto& components = frame_.components;
  if (frame_.n_components == 1) {
    frame_.colors = JpegColors::kGray;
    return true;
  }
  if (adobe_transform_) {
    const unsigned most = frame_.n_components == 3 ? 1 : 2;
    if (*adobe_transform_ != 0 && *adobe_transform_ != most) return false;
  }
  if (frame_.n_components == 4) {
    frame_.colors = adobe_transform_.value_or(0) == 2 ? JpegColors::kYcck : JpegColors::kCmyk;
    return true;
  }
  const bool named_rgb = components[0].id == 'R' && components[1].id == 'G' && components[2].id == 'B';
  const bool is_rgb = !is_jfif_ && (adobe_transform_ ? *adobe_transform_ == 0 : named_rgb);
  frame_.colors = is_rgb ? JpegColors::kRgb : JpegColors::kYcc;
  return true;
}

}  // namespace fastbatch::jpeg
