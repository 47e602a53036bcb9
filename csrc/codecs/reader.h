// SPDX-License-Identifier: MIT
// One image file in memory -> rows of pixels, one after another, so that they can be used while they are in cache.
// A codec is a new ImageReader; who reads images knows no codec. Errors name no file: the caller, who read it, adds the
// place. The pixels are those of Pillow's `Image.open(file).convert(mode)`, and so is the choice of which damage is
// tolerated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codecs/image.h"
#include "common/error.h"

namespace fastbatch {

// What rows are delivered as. Pillow's names: "RGB", "RGBA", "L", "I;16" (native byte order), and the file's own
// indices of a palette, "LA".
enum class ColorMode : std::uint8_t { kRgb, kRgba, kGray, kGray16, kIndex, kGrayAlpha };

[[nodiscard]] std::size_t channels_of(ColorMode mode) noexcept;     // interleaved
[[nodiscard]] std::size_t pixel_bytes_of(ColorMode mode) noexcept;  // 1 to 4

struct Codec;  // registry.h

// What a file says of itself before any pixel is decoded.
struct ImageInfo {
  ImageSize size{};              // as stored
  std::string_view mode{};       // what Pillow's Image.open(file).mode says: "RGB", "L", "P", "LA", "CMYK", "I;16", ...
  std::uint8_t orientation = 1;  // EXIF's, 1 to 8; 1 when there is none or it makes no sense
  bool is_opaque = false;        // surely: alpha, if asked for, is 255 everywhere
  const Codec* codec = nullptr;  // set by ImageFileReader, unless the external reader reads the image
};

// An image of a format, or a kind, that a reader does not know; another may.
class UnsupportedError : public DecodeError {
  using DecodeError::DecodeError;
};

// Throws DecodeError if there are more than `max_pixels`.
void check_pixels(ImageSize size, std::uint64_t max_pixels);

// What of an image is wanted.
struct ImagePart {
  Window window{};           // in pixels of the file; empty: all. More may come: codecs work in blocks.
  unsigned denominator = 1;  // 2, 4, 8: so many times smaller, where the codec can do it while it decodes; else ignored
};

// What read_rows() is going to deliver.
struct ImageRows {
  ImageSize scaled{};        // the whole image at the scale in use: ceil(size / denominator)
  unsigned denominator = 1;  // the one in use
  Window window{};           // in pixels of the scaled image: rows and columns that come; covers what was asked for
};

//   info = reader.read_header(file, max_pixels);
//   rows = reader.start(ColorMode::kRgb, {});
//   while (n = reader.read_rows(buffer, 16)) ...
//   reader.finish();
//
// After an error, or instead of finish(), the next read_header() starts afresh: an image never sees what one before it
// left. The file's bytes must stay where they are until finish().
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

  // After the last row: checks what Pillow checks after the pixels (when all rows of the file were read), and gives all
  // memory back that grew with the image.
  virtual void finish() = 0;
};

}  // namespace fastbatch
