// SPDX-License-Identifier: MIT
#include "codecs/image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace fastbatch {
namespace {

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

using namespace std::string_view_literals;

constexpr std::array kSignatures{
    Signature{0, "\xFF\xD8\xFF"sv, "JPEG"},
    Signature{0, "\x89PNG\r\n\x1A\n"sv, "PNG"},
    Signature{0, "GIF87a"sv, "GIF"},
    Signature{0, "GIF89a"sv, "GIF"},
    Signature{8, "WEBP"sv, "WebP"},
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
    Signature{0, "PK\x03\x04"sv, "a ZIP archive"},
    Signature{0, "\x1F\x8B"sv, "a gzip file"},
    Signature{0, "version https://git-lfs"sv, "a Git LFS pointer"},
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A download that failed often leaves the server's page under the image's name.
bool looks_like_html(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.empty() || text[0] != '<' || text.size() < 2) return false;
  return text[1] == '!' || text[1] == '?' || std::isalpha(static_cast<unsigned char>(text[1])) != 0;
}

}  // namespace

std::string name_format(std::span<const std::byte> file) {
  if (file.empty()) return "an empty file";
  const std::string_view head = text_of(file.first(std::min<std::size_t>(file.size(), 256)));
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
