// SPDX-License-Identifier: MIT
#include "codecs/jpeg/segments.h"

#include "codecs/exif.h"
#include "codecs/image.h"

namespace fastbatch {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExif = "Exif\0\0"sv;
constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;

std::uint8_t byte_at(std::string_view bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }

bool is_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Markers that are in no table of Pillow's: "no marker found".
bool is_unknown(std::uint8_t marker) { return (marker >= 0x01 && marker <= 0xBF); }

// Image resources of Photoshop: Pillow refuses one that ends behind its number.
bool ends_behind_number(std::string_view segment) {
  const auto number = [&](std::size_t at, std::size_t n) {
    std::size_t value = 0;
    for (std::size_t k = 0; k < n; ++k) value = value << 8U | byte_at(segment, at + k);
    return value;
  };
  for (std::size_t at = 14; at < segment.size() && segment.substr(at).starts_with("8BIM"sv);) {
    at += 4;
    if (segment.size() - at < 2) return false;
    at += 2;
    if (at == segment.size()) return true;
    at += 1 + std::size_t{byte_at(segment, at)};
    at += at & 1U;
    if (at > segment.size() || segment.size() - at < 4) return false;
    const std::size_t size = number(at, 4);
    at += 4 + size;
    at += at & 1U;
  }
  return false;
}

const char* oddity_of(std::uint8_t marker, std::string_view segment) {
  if (marker == 0xE0 && segment.starts_with("JFIF"sv) && segment.size() < 7) return "a JFIF segment that ends early";
  if (marker == 0xEE && segment.starts_with("Adobe"sv) && segment.size() < 7) return "an Adobe segment that ends early";
  if (marker == 0xE2 && segment.starts_with("ICC_PROFILE\0"sv) && segment.size() < 14)
    return "a segment of a colour profile that ends early";
  if (marker == 0xED && segment.starts_with("Photoshop 3.0\0"sv) && ends_behind_number(segment))
    return "an image resource that ends early";
  return nullptr;
}

}  // namespace

JpegSegments read_jpeg_segments(std::span<const std::byte> file) {
  JpegSegments found;
  bool has_frame = false;
  const std::string_view bytes = text_of(file);
  for (std::size_t i = bytes.find('\xFF'); i < bytes.size(); i = bytes.find('\xFF', i)) {
    while (i < bytes.size() && byte_at(bytes, i) == 0xFF) ++i;
    if (i == bytes.size() || byte_at(bytes, i) == 0xDA) break;
    const std::uint8_t marker = byte_at(bytes, i++);
    if (is_unknown(marker)) found.oddity = "a marker that is none";
    if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD9)) continue;  // without a size
    if (bytes.size() - i < 2) break;
    const std::size_t size = std::size_t{byte_at(bytes, i)} << 8U | byte_at(bytes, i + 1);
    if (size < 2 || size > bytes.size() - i) break;
    const std::string_view segment = bytes.substr(i + 2, size - 2);
    i += size;
    if (marker == 0xC3) found.oddity = "lossless";
    if (is_frame(marker)) {
      if (has_frame) found.oddity = "a second frame";
      has_frame = true;
    }
    if (const char* oddity = oddity_of(marker, segment)) found.oddity = oddity;
    if (marker != 0xE1) continue;
    if (segment.starts_with(kXmp)) found.xmp = segment.substr(kXmp.size());
    if (segment.starts_with(kExif)) found.exif += found.exif.empty() ? segment : segment.substr(kExif.size());
  }
  return found;
}

std::uint8_t JpegSegments::orientation() const {
  const auto found = exif_orientation(std::as_bytes(std::span(exif)));
  return found ? *found : xmp_orientation(xmp).value_or(std::uint8_t{1});
}

}  // namespace fastbatch
