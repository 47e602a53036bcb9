// SPDX-License-Identifier: MIT
#include "codecs/exif.h"

namespace fastbatch {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kOrientation = 0x0112;
constexpr std::size_t kEntryBytes = 12;

// Reads numbers of a TIFF file in either byte order, with bounds checks.
class Tiff {
 public:
  Tiff(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t size) const noexcept {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t offset, std::size_t size) const noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = offset + (big_endian_ ? i : size - 1 - i);
      value = value << 8U | static_cast<std::uint8_t>(bytes_[at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool big_endian_;
};

// Bytes of one value; 0 for unknown types.
std::size_t size_of_type(std::uint64_t type) {
  switch (type) {
    case 1:
    case 2:
    case 6:
    case 7: return 1;
    case 3:
    case 8: return 2;
    case 4:
    case 9:
    case 11:
    case 13: return 4;
    case 5:
    case 10:
    case 12:
    case 16: return 8;
    default: return 0;
  }
}

// Integer types. Pillow returns bytes and text unchanged, which are not valid orientations.
bool is_number(std::uint64_t type) {
  return type == 3 || type == 4 || type == 6 || type == 8 || type == 9 || type == 13 || type == 16;
}

std::uint8_t sane(std::uint64_t value) {
  return value >= 1 && value <= 8 ? static_cast<std::uint8_t>(value) : std::uint8_t{1};
}

}  // namespace

std::optional<std::uint8_t> exif_orientation(std::span<const std::byte> exif) {
  std::string_view bytes(reinterpret_cast<const char*>(exif.data()), exif.size());
  for (int i = 0; i < 2 && bytes.starts_with("Exif\0\0"sv); ++i) bytes.remove_prefix(6);
  const std::string_view order = bytes.substr(0, 4);
  const bool big_endian = order == "MM\0*"sv || order == "MM*\0"sv;
  if (!big_endian && order != "II*\0"sv && order != "II\0*"sv) return std::nullopt;
  const Tiff tiff(bytes, big_endian);
  if (!tiff.has(4, 4)) return std::nullopt;
  const std::uint64_t directory = tiff.number(4, 4);
  if (!tiff.has(directory, 2)) return std::nullopt;

  const std::uint64_t n_entries = tiff.number(directory, 2);
  for (std::uint64_t i = 0; i < n_entries; ++i) {
    const std::uint64_t entry = directory + 2 + i * kEntryBytes;
    if (!tiff.has(entry, kEntryBytes)) return std::nullopt;
    const std::uint64_t type = tiff.number(entry + 2, 2);
    const std::uint64_t count = tiff.number(entry + 4, 4);
    const std::uint64_t size = size_of_type(type);
    if (tiff.number(entry, 2) != kOrientation || size == 0) continue;
    const std::uint64_t value = count * size <= 4 ? entry + 8 : tiff.number(entry + 8, 4);
    if (!tiff.has(value, count * size)) return std::nullopt;
    return is_number(type) && count > 0 ? sane(tiff.number(value, size)) : std::uint8_t{1};
  }
  return std::nullopt;
}

std::optional<std::uint8_t> xmp_orientation(std::string_view xmp) noexcept {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at)) {
    at += kName.size();
    const std::string_view rest = xmp.substr(at);
    const std::size_t skip = rest.starts_with("=\"") ? 2 : rest.starts_with('>') ? 1 : 0;
    if (skip == 0 || rest.size() <= skip || rest[skip] < '0' || rest[skip] > '9') continue;
    return sane(static_cast<std::uint64_t>(rest[skip] - '0'));
  }
  return std::nullopt;
}

}  // namespace fastbatch
