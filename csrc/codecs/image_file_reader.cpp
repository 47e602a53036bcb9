// SPDX-License-Identifier: MIT
#include "codecs/image_file_reader.h"

#include <string>

#include "common/error.h"

namespace fastbatch {

ImageInfo ImageFileReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  switch (format_of(file)) {
    case ImageFormat::kJpeg: reader_ = &jpeg_; break;
    case ImageFormat::kPng: reader_ = &png_; break;
    case ImageFormat::kWebp: reader_ = &webp_; break;
    case ImageFormat::kUnknown:
      if (make_foreign_) return read_foreign_header(file, max_pixels);
      throw UnsupportedError(
          {}, "not an image of a known format (for more: pip install pillow): expected JPEG, PNG or WebP, found " +
                  name_format(file));
  }
  try {
    return reader_->read_header(file, max_pixels);
  } catch (const UnsupportedError&) {
    if (!make_foreign_) throw;
  }
  return read_foreign_header(file, max_pixels);
}

ImageInfo ImageFileReader::read_foreign_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  if (!foreign_) foreign_ = make_foreign_();
  reader_ = foreign_.get();
  return reader_->read_header(file, max_pixels);
}

ImageRows ImageFileReader::start(ColorMode mode, const ImagePart& part) { return reader_->start(mode, part); }

}  // namespace fastbatch
