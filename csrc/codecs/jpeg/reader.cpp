// SPDX-License-Identifier: MIT
#include "codecs/jpeg/reader.h"

#include "codecs/registry.h"

namespace fastbatch {

bool is_jpeg(std::span<const std::byte> file) noexcept { return text_of(file).starts_with("\xFF\xD8\xFF"); }

ImageInfo JpegReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  check_format(is_jpeg(file), "JPEG", file);
  return turbo_.read_header(file, max_pixels);
}

ImageRows JpegReader::start(ColorMode mode, const ImagePart& part) { return turbo_.start(mode, part); }

std::size_t JpegReader::read_rows(std::uint8_t* rows, std::size_t n) { return turbo_.read_rows(rows, n); }

void JpegReader::finish() { turbo_.finish(); }

}  // namespace fastbatch
