// SPDX-License-Identifier: MIT
// The interface of a codec: an encoded image in memory -> rows of pixels, a few at a time, while they are in cache.
// Errors name no file: the caller, which read it, adds the place. The pixels are those of Pillow's
// `Image.open(file).convert(mode)`, and the same damaged files are tolerated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codecs/image.h"
#include "common/error.h"

namespace fastbatch {

// The pixel format of rows. Pillow's names: "RGB", "RGBA", "L", "I;16" (native byte order), "P" (the file's palette
// indices), "LA".
enum class ColorMode : std::uint8_t { kRgb, kRgba, kGray, kGray16, kIndex, kGrayAlpha };

[[nodiscard]] std::size_t channels_of(ColorMode mode) noexcept;     // interleaved
[[nodiscard]] std::size_t pixel_bytes_of(ColorMode mode) noexcept;  // 1 to 4

struct Codec;  // registry.h

// The header of an image.
struct ImageInfo {
  ImageSize size{};              // as stored
  std::string_view mode{};       // what Pillow's Image.open(file).mode says: "RGB", "L", "P", "LA", "CMYK", "I;16", ...
  std::uint8_t orientation = 1;  // EXIF's, 1 to 8; 1 when there is none or it makes no sense
  bool is_opaque = false;        // surely: alpha, if asked for, is 255 everywhere
  const Codec* codec = nullptr;  // set by ImageFileReader, unless the external reader reads the image
};

// An image of a format or a kind that the codec does not support; the external reader may.
class UnsupportedError : public DecodeError {
  using DecodeError::DecodeError;
};

// Throws DecodeError if there are more than `max_pixels`.
void check_pixels(ImageSize size, std::uint64_t max_pixels);

// The part of an image to decode, and its scale.
struct ImagePart {
  Window window{};           // in pixels of the file; empty: all. Codecs work in blocks and may deliver more.
  unsigned denominator = 1;  // 2, 4, 8: decode at 1/2, 1/4, 1/8. Ignored unless Codec::scales
};

// The rows that read_rows() will deliver.
struct ImageRows {
  ImageSize scaled{};        // the whole image at the scale in use: ceil(size / denominator)
  unsigned denominator = 1;  // the one in use
  Window window{};           // rows and columns delivered, in pixels of the scaled image; covers the part asked for
};

//   info = reader.read_header(file, max_pixels);
//   rows = reader.start(ColorMode::kRgb, {});
//   while (n = reader.read_rows(buffer, 16)) ...
//   reader.finish();
//
// After an error, or instead of finish(), the next read_header() starts afresh: no state of one image reaches the next.
// The file's bytes must stay valid until finish().
// Threads: one at a time.
class ImageReader {
 public:
  virtual ~ImageReader() = default;

  // Allocates nothing that grows with the image. Throws DecodeError if the file is not of this reader's format, of a
  // kind that is not supported, or larger than `max_pixels`.
  virtual ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) = 0;

  // Throws DecodeError if the image cannot be had in this mode.
  virtual ImageRows start(ColorMode mode, const ImagePart& part) = 0;

  // The next `n` rows of the window, without gaps between them; fewer only at its end. Throws DecodeError if the data
  // ends first.
  virtual std::size_t read_rows(std::uint8_t* rows, std::size_t n) = 0;

  // After the last row: makes the checks that Pillow makes after the pixels (if all rows of the file were read), and
  // frees all memory that grew with the image.
  virtual void finish() = 0;
};

}  // namespace fastbatch
