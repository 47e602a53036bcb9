// SPDX-License-Identifier: MIT
// The interface of a codec: an encoded image in memory -> rows of pixels, a few at a time, while they are in cache.
// Errors do not name the file: the caller adds the location. The pixels are those of Pillow's
// `Image.open(file).convert(mode)`, and the same damaged files are tolerated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "codecs/image.h"
#include "common/dtype.h"
#include "common/error.h"

namespace fastbatch {

// The pixel format of rows. Pillow's names: "RGB", "RGBA", "L", "I;16" (native byte order), "P" (the file's palette
// indices), "LA".
// kStored: the file's own channels, with ImagePart::is_deep.
enum class ColorMode : std::uint8_t { kRgb, kRgba, kGray, kGray16, kIndex, kGrayAlpha, kStored };

[[nodiscard]] std::size_t channels_of(ColorMode mode) noexcept;     // interleaved; not of kStored
[[nodiscard]] std::size_t pixel_bytes_of(ColorMode mode) noexcept;  // 1 to 4

struct Codec;         // registry.h
class JpegSeekIndex;  // jpeg/seek_index.h

// The header of an image.
struct ImageInfo {
  ImageSize size{};              // as stored
  std::string_view mode{};       // Pillow's Image.open(file).mode: "RGB", "L", "P", "LA", "CMYK", "I;16", ...
  std::uint8_t orientation = 1;  // EXIF orientation, 1 to 8; 1 if missing or invalid
  bool is_opaque = false;        // true: alpha is 255 everywhere. false: unknown
  DType element = DType::kU8;    // of the file's channels, if ImagePart::is_deep is supported: kU16 or kF32
  std::size_t channels = 0;      // of the file, as stored; 0: unknown
  const Codec* codec = nullptr;  // set by ImageFileReader, unless the external reader reads the image
};

// An image of a format or subformat that the codec does not support; the external reader may support it.
class UnsupportedError : public DecodeError {
  using DecodeError::DecodeError;
};

// Throws DecodeError if the size exceeds `max_pixels`.
void check_pixels(ImageSize size, std::uint64_t max_pixels);

// The part of an image to decode, and its scale.
struct ImagePart {
  Window window{};           // in pixels of the file; empty: all. Codecs work in blocks and may deliver more.
  unsigned denominator = 1;  // 2, 4, 8: decode at 1/2, 1/4, 1/8. Ignored unless Codec::scales
  // All bits of the file: each channel is of type ImageInfo::element, in this machine's byte order. Only valid for
  // files whose element is not kU8, and with kRgb, kRgba, kGray and kStored.
  bool is_deep = false;
};

// The rows that read_rows() will deliver.
struct ImageRows {
  ImageSize scaled{};        // the whole image at the scale in use: ceil(size / denominator)
  unsigned denominator = 1;  // of the scale in use
  Window window{};           // rows and columns delivered, in pixels of the scaled image; covers the requested part
};

//   info = reader.read_header(file, max_pixels);
//   rows = reader.start(ColorMode::kRgb, {});
//   while (n = reader.read_rows(buffer, 16)) ...
//   reader.finish();
//
// After an error, or instead of finish(), the next read_header() resets the reader: images do not affect each other.
// The file's bytes must stay valid until finish().
// Threads: one at a time.
class ImageReader {
 public:
  virtual ~ImageReader() = default;

  // Allocates no memory that grows with the image. Throws DecodeError if the file is of another format or of an
  // unsupported subformat, or if the image has more than `max_pixels`.
  virtual ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) = 0;

  // Throws DecodeError if the image cannot be converted to this mode.
  virtual ImageRows start(ColorMode mode, const ImagePart& part) = 0;

  // Reads the next `n` rows of the window, without gaps; fewer only at its end. Throws DecodeError if the data ends
  // before it.
  virtual std::size_t read_rows(std::uint8_t* rows, std::size_t n) = 0;

  // Called after the last row. Makes Pillow's checks after the pixels (if all rows of the file were read), and frees
  // the memory that grew with the image.
  virtual void finish() = 0;

  // In place of start(), read_rows() and finish(): reads all of the image without giving pixels, and throws what they
  // would throw for the whole image.
  virtual void check(ColorMode mode);

  // Where readers of JPEGs note where parts of a file begin, and look it up. Before read_header(); may be null.
  virtual void use_index(const std::shared_ptr<JpegSeekIndex>& /*index*/) {}

  // Whether truncated images are filled, as by Pillow with LOAD_TRUNCATED_IMAGES, and not refused. Before
  // read_header(); only the external reader does so.
  virtual void fill_truncated(bool /*fills*/) {}

  // Whether a library decoded the image in place of our own decoder. After finish().
  [[nodiscard]] virtual bool used_library() const noexcept { return false; }
};

}  // namespace fastbatch
