// SPDX-License-Identifier: MIT
// The table of codecs: the only place that lists the natively decoded image formats.
// Threads: constants and functions of their arguments; any.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "codecs/reader.h"

namespace fastbatch {

struct Codec {
  std::string_view name;                                         // Pillow's Image.format: "JPEG", "PNG", "WEBP"
  std::string_view title;                                        // name in messages: "WebP"
  bool (*recognises)(std::span<const std::byte> file) noexcept;  // by the first bytes
  bool scales;                                                   // decodes at 1/2, 1/4 and 1/8, which is faster
  std::size_t header_bytes;     // first bytes that nearly always hold the header; 0: read all
  std::string_view extensions;  // lower case, without dots, separated by spaces
  std::unique_ptr<ImageReader> (*make_reader)();
};

// The rows, in the order in which messages list them.
[[nodiscard]] std::span<const Codec> codecs() noexcept;

// By the first bytes, not by a file name; null if no row recognises them.
[[nodiscard]] const Codec* codec_of(std::span<const std::byte> file) noexcept;

// "JPEG, PNG or WebP"
[[nodiscard]] std::string codec_titles();

// The format of any file by its first bytes, as text for a message: "JPEG", "TIFF", "HTML or XML", "an empty file",
// "the bytes 00 01 02 03".
[[nodiscard]] std::string name_format(std::span<const std::byte> file);

// For readers: unless `recognised`, throws a DecodeError with the expected and the found format.
void check_format(bool recognised, std::string_view title, std::span<const std::byte> file);

}  // namespace fastbatch
