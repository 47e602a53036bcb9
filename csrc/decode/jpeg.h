// SPDX-License-Identifier: MIT
// One JPEG in memory -> rows of RGB pixels, one after another, so that they can be used while they are in cache.
// The pixels are those of Pillow's `Image.open(file).convert("RGB")`, and so is the choice of which damage is
// tolerated. Errors name no file: the caller, who read it, adds the place. Threads: one at a time. The file's bytes
// must stay where they are from read_header() to finish().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "decode/image.h"

namespace fastbatch {

//   size = decoder.read_header(file);
//   decoder.start();
//   while (n = decoder.read_rows(rows, 16)) ...
//   decoder.finish();
//
// After an error, or instead of finish(), the next read_header() starts afresh: an image never sees what one before it
// left.
class JpegDecoder {
 public:
  JpegDecoder();
  JpegDecoder(JpegDecoder&&) noexcept;
  JpegDecoder& operator=(JpegDecoder&&) noexcept;
  ~JpegDecoder();

  // Reads up to the first scan and allocates nothing that grows with the image.
  // Throws DecodeError if this is no JPEG, one of a kind that is not supported, or larger than `max_pixels`.
  ImageSize read_header(std::span<const std::byte> file, std::uint64_t max_pixels = kMaxPixels);
  [[nodiscard]] ImageSize size() const noexcept;  // of the last header

  // Prepares the first row; for a progressive JPEG this reads all scans.
  void start();

  // The next `n` rows, fewer only at the bottom of the image; a row is 3 * width bytes: R, G, B, R, ...
  // Throws DecodeError if the data ends before the rows do.
  std::size_t read_rows(std::uint8_t* rows, std::size_t n);

  // After the last row: checks what Pillow checks after the pixels, and gives all memory back.
  void finish();

 private:
  struct Codec;  // libjpeg's structures: what its callbacks see
  std::unique_ptr<Codec> codec_;
};

// The whole image at once: 3 * width * height bytes into `pixels`, after read_header().
void decode_all(JpegDecoder& decoder, std::uint8_t* pixels);

}  // namespace fastbatch
