// SPDX-License-Identifier: MIT
#include "codecs/file_reader.h"

#include <string>

#include "codecs/registry.h"
#include "common/error.h"

namespace fastbatch {

ImageFileReader::ImageFileReader(MakeImageReader make_external, std::shared_ptr<JpegSeekIndex> index)
    : make_external_(std::move(make_external)), index_(std::move(index)), readers_(codecs().size()) {}

ImageInfo ImageFileReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  file_ = file;
  max_pixels_ = max_pixels;
  const Codec* codec = codec_of(file);
  if (fills_ && make_external_) return read_external_header(file, max_pixels);
  if (codec == nullptr) {
    if (make_external_) return read_external_header(file, max_pixels);
    throw UnsupportedError({}, "not an image of a known format (for more: pip install pillow): expected " +
                                   codec_titles() + ", found " + name_format(file));
  }
  std::unique_ptr<ImageReader>& reader = readers_[static_cast<std::size_t>(codec - codecs().data())];
  if (!reader) {
    reader = codec->make_reader();
    reader->use_index(index_);
  }
  reader_ = reader.get();
  try {
    ImageInfo info = reader_->read_header(file, max_pixels);
    info.codec = codec;
    return info;
  } catch (const UnsupportedError&) {
    if (!make_external_) throw;
  }
  return read_external_header(file, max_pixels);
}

ImageRows ImageFileReader::start(ColorMode mode, const ImagePart& part) {
  try {
    return reader_->start(mode, part);
  } catch (const UnsupportedError&) {
    if (!make_external_ || is_external()) throw;
  }
  read_external_header(file_, max_pixels_);
  return reader_->start(mode, part);
}

void ImageFileReader::check(ColorMode mode) {
  try {
    return reader_->check(mode);
  } catch (const UnsupportedError&) {
    if (!make_external_ || is_external()) throw;
  }
  read_external_header(file_, max_pixels_);
  reader_->check(mode);
}

ImageInfo ImageFileReader::read_external_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  if (!external_) external_ = make_external_();
  reader_ = external_.get();
  reader_->fill_truncated(fills_);
  return reader_->read_header(file, max_pixels);
}

}  // namespace fastbatch
