// SPDX-License-Identifier: MIT
#include "codecs/registry.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "codecs/jpeg/reader.h"
#include "codecs/png.h"
#include "codecs/webp.h"

namespace fastbatch {
namespace {

using namespace std::string_view_literals;

template <typename Reader>
std::unique_ptr<ImageReader> make() {
  return std::make_unique<Reader>();
}

constexpr std::array kCodecs{
    Codec{"JPEG", "JPEG", is_jpeg, true, 65536, "jpg jpeg jpe jfif", make<JpegReader>},
    Codec{"PNG", "PNG", is_png, false, 0, "png apng", make<PngReader>},
    Codec{"WEBP", "WebP", is_webp, false, 0, "webp", make<WebpReader>},
};

// Formats without a codec, for messages. Python: `FORMATS`, `OURS` and `IMAGES` in source/foreign.py; a test compares
// the names.
struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

constexpr std::size_t kHeadBytes = 512;  // enough for all of them

constexpr std::array kSignatures{
    Signature{0, "GIF87a"sv, "GIF"},
    Signature{0, "GIF89a"sv, "GIF"},
    Signature{4, "ftypavif"sv, "AVIF"},
    Signature{4, "ftyp"sv, "HEIC or MP4"},
    Signature{0, "\0\0\0\x0CjP  "sv, "JPEG 2000"},
    Signature{0, "\xFF\x4F\xFF\x51"sv, "JPEG 2000"},
    Signature{0, "\xFF\x0A"sv, "JPEG XL"},
    Signature{0, "\0\0\0\x0CJXL "sv, "JPEG XL"},
    Signature{0, "II*\0"sv, "TIFF"},
    Signature{0, "MM\0*"sv, "TIFF"},
    Signature{0, "BM"sv, "BMP"},
    Signature{0, "%PDF"sv, "PDF"},
    Signature{0, "PK\x03\x04"sv, "a zip archive"},
    Signature{0, "PK\x05\x06"sv, "a zip archive"},
    Signature{0, "\x1F\x8B\x08"sv, "a gzip file"},
    Signature{0, "\x28\xB5\x2F\xFD"sv, "a zstd file"},
    Signature{0,
              "\xFD"
              "7zXZ\0"sv,
              "an xz file"},
    Signature{0, "BZh"sv, "a bzip2 file"},
    Signature{0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0, "PAR1"sv, "a Parquet file"},
    Signature{0, "ARROW1"sv, "a Feather file"},
    Signature{0, "FEA1"sv, "a Feather file"},
    Signature{0, "ORC"sv, "an ORC file"},
    Signature{0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file"},
    Signature{0, "MATLAB 5.0"sv, "a MATLAB file"},
    Signature{0, "SQLite format 3\0"sv, "an SQLite database"},
    Signature{0, "\x93NUMPY"sv, "a .npy array"},
    Signature{0, "\x80\x04\x95"sv, "a pickle"},
    Signature{0, "\x80\x05\x95"sv, "a pickle"},
    Signature{0, "version https://git-lfs"sv, "a Git LFS pointer"},
};

// A failed download often leaves an HTML page under the image's name.
bool looks_like_html(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.empty() || text[0] != '<' || text.size() < 2) return false;
  return text[1] == '!' || text[1] == '?' || std::isalpha(static_cast<unsigned char>(text[1])) != 0;
}

}  // namespace

std::span<const Codec> codecs() noexcept { return kCodecs; }

const Codec* codec_of(std::span<const std::byte> file) noexcept {
  const auto found = std::ranges::find_if(kCodecs, [&](const Codec& codec) { return codec.recognises(file); });
  return found == kCodecs.end() ? nullptr : &*found;
}

std::string codec_titles() {
  std::string titles;
  for (const Codec& codec : kCodecs) {
    if (!titles.empty()) titles += &codec == &kCodecs.back() ? " or " : ", ";
    titles += codec.title;
  }
  return titles;
}

void check_format(bool recognised, std::string_view title, std::span<const std::byte> file) {
  if (recognised) return;
  throw DecodeError({}, "not an image of this format: expected " + std::string(title) + ", found " + name_format(file));
}

std::string name_format(std::span<const std::byte> file) {
  if (file.empty()) return "an empty file";
  if (const Codec* codec = codec_of(file)) return std::string(codec->title);
  const std::string_view head = text_of(file.first(std::min<std::size_t>(file.size(), kHeadBytes)));
  for (const Signature& signature : kSignatures) {
    if (head.size() > signature.offset && head.substr(signature.offset).starts_with(signature.bytes)) {
      return std::string(signature.name);
    }
  }
  if (looks_like_html(head)) return "HTML or XML";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "the bytes";
  for (const char letter : head.substr(0, 4)) {
    const auto value = static_cast<unsigned char>(letter);
    text += {' ', kDigits[value >> 4U], kDigits[value & 15U]};
  }
  return text;
}

}  // namespace fastbatch
