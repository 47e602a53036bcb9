// SPDX-License-Identifier: MIT
// Image files of any format: the reader is picked by what the file is, not by what it is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "codecs/jpeg.h"
#include "codecs/png.h"
#include "codecs/reader.h"
#include "codecs/webp.h"

namespace fastbatch {

// Makes a reader of what the core cannot read itself: other formats, and rare kinds of its own. bindings/ sets it, to
// one over Pillow. Any thread may call it.
using MakeImageReader = std::function<std::unique_ptr<ImageReader>()>;

// Threads: one at a time.
class ImageFileReader final : public ImageReader {
 public:
  explicit ImageFileReader(MakeImageReader make_foreign = {}) : make_foreign_(std::move(make_foreign)) {}

  // What no reader knows is given to the foreign one; without one it is a DecodeError that names the format.
  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override { return reader_->read_rows(rows, n); }
  void finish() override { reader_->finish(); }
  [[nodiscard]] bool is_foreign() const noexcept { return reader_ != nullptr && reader_ == foreign_.get(); }  // in hand

 private:
  ImageInfo read_foreign_header(std::span<const std::byte> file, std::uint64_t max_pixels);

  MakeImageReader make_foreign_;
  JpegReader jpeg_;
  PngReader png_;
  WebpReader webp_;
  std::unique_ptr<ImageReader> foreign_;
  ImageReader* reader_ = nullptr;  // of the file in hand: one of the above
};

}  // namespace fastbatch
