// SPDX-License-Identifier: MIT
// Opens the encoded images of a source: reads a sample and its header, counts the images by who decoded them, adds the
// location to errors, and has truncated images filled.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "codecs/file_reader.h"
#include "codecs/jpeg/seek_index.h"
#include "common/error.h"
#include "decode/filled.h"
#include "source/source.h"

namespace fastbatch {

// Threads: immutable except for the counters; any thread opens, each into its own Image.
class ImageOpener {
 public:
  // An open image, with the bytes that the reader needs. Threads: one at a time.
  struct Image {
    explicit Image(const ImageOpener& opener) : reader(opener.make_external_, opener.index_) {}
    ReadBuffer buffer;
    ImageFileReader reader;
  };

  // `seek_index_bytes`: memory for where parts of JPEGs begin; 0: none.
  // `fills`: truncated images are filled by the external reader, if there is one.
  ImageOpener(std::shared_ptr<const SampleSource> source, std::uint64_t max_pixels, MakeImageReader make_external,
              bool fills, std::size_t seek_index_bytes = 0)
      : source_(std::move(source)),
        max_pixels_(max_pixels),
        fills_(fills && make_external),
        make_external_(std::move(make_external)),
        index_(make_seek_index(seek_index_bytes)) {}

  [[nodiscard]] const SampleSource& source() const noexcept { return *source_; }
  [[nodiscard]] std::uint64_t n_external() const noexcept { return n_external_; }  // images that no codec decoded

  // JPEGs that our own decoder decoded; and those, or parts of those, that libjpeg-turbo did.
  [[nodiscard]] std::uint64_t n_jpeg_own() const noexcept { return n_jpeg_own_; }
  [[nodiscard]] std::uint64_t n_jpeg_library() const noexcept { return n_jpeg_library_; }
  // Of the first, those that were not read from their beginning.
  [[nodiscard]] std::uint64_t n_jpeg_indexed() const noexcept { return index_ ? index_->n_uses() : 0; }
  // Call after the image was decoded.
  void count_decoded(const ImageInfo& info, const Image& image) const noexcept;

  // Reads the sample and its header. Throws Error; call it inside decoding().
  ImageInfo open(std::uint64_t index, Image& image) const;

  // Runs `work`, which opens `image` and decodes what it needs of it. If that fails, and truncated images are filled,
  // it runs again with a reader that fills them; where that fails too, the first error counts. Errors are placed.
  template <typename Work>
  void decoding(std::uint64_t index, Image& image, const Work& work) const {
    placing_errors(index, [&] {
      if (!fills_) return work();
      image.reader.fill_truncated(false);
      std::exception_ptr refused;
      try {
        return work();
      } catch (const DecodeError& error) {
        refused = std::make_exception_ptr(DecodeError(source_->where(index), error.message()));
      }
      image.reader.fill_truncated(true);
      try {
        work();
      } catch (const DecodeError&) {
        std::rethrow_exception(refused);
      }
      note_filled(std::move(refused));
    });
  }

  // Runs `work`; adds the name and index of this sample to an Error without them.
  template <typename Work>
  void placing_errors(std::uint64_t index, const Work& work) const {
    try {
      work();
    } catch (const DecodeError& error) {
      if (error.where().sample) throw;
      throw DecodeError(source_->where(index), error.message());
    } catch (const FormatError& error) {
      throw FormatError(source_->where(index), error.message());
    } catch (const FileError& error) {
      throw FileError(source_->where(index), error.code(), error.message());
    } catch (const std::logic_error& error) {
      // The options were checked when the decoder was made: a size that does not fit is that of this sample.
      throw DecodeError(source_->where(index), error.what());
    }
  }

 private:
  const std::shared_ptr<const SampleSource> source_;
  const std::uint64_t max_pixels_;
  const bool fills_;
  const MakeImageReader make_external_;
  const std::shared_ptr<JpegSeekIndex> index_;  // null: none
  mutable std::atomic<std::uint64_t> n_external_{0};
  mutable std::atomic<std::uint64_t> n_jpeg_own_{0};
  mutable std::atomic<std::uint64_t> n_jpeg_library_{0};
};

}  // namespace fastbatch
