// SPDX-License-Identifier: MIT
// Encoded images of any format: the reader is chosen by the first bytes, not by a file name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "codecs/reader.h"

namespace fastbatch {

// Makes the external reader, for images that no codec of the table can read: other formats, and rare subformats.
// bindings/ sets it to a reader over Pillow. Threads: any.
using MakeImageReader = std::function<std::unique_ptr<ImageReader>()>;

// Threads: one at a time.
class ImageFileReader final : public ImageReader {
 public:
  explicit ImageFileReader(MakeImageReader make_external = {}, std::shared_ptr<JpegSeekIndex> index = {});

  // Without an external reader, throws UnsupportedError with the format's name for an image that no codec reads.
  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override;
  // An image whose codec learns only now that it does not support it goes to the external reader, too.
  ImageRows start(ColorMode mode, const ImagePart& part) override;
  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override { return reader_->read_rows(rows, n); }
  void finish() override { reader_->finish(); }
  void check(ColorMode mode) override;
  // The external reader reads all images then.
  void fill_truncated(bool fills) override { fills_ = fills; }
  [[nodiscard]] bool used_library() const noexcept override { return reader_ != nullptr && reader_->used_library(); }
  // Whether the external reader reads the current image.
  [[nodiscard]] bool is_external() const noexcept { return reader_ != nullptr && reader_ == external_.get(); }

 private:
  ImageInfo read_external_header(std::span<const std::byte> file, std::uint64_t max_pixels);

  MakeImageReader make_external_;
  std::shared_ptr<JpegSeekIndex> index_;
  std::span<const std::byte> file_;
  std::uint64_t max_pixels_ = 0;
  bool fills_ = false;
  std::vector<std::unique_ptr<ImageReader>> readers_;  // one per row of the table; made when first needed
  std::unique_ptr<ImageReader> external_;              // likewise
  ImageReader* reader_ = nullptr;                      // reader of the current image: one of the above
};

}  // namespace fastbatch
