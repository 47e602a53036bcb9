// SPDX-License-Identifier: MIT
// Opens the encoded images of a source: reads a sample and its header, counts the images by who decoded them, and adds
// the location to errors.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

#include "codecs/file_reader.h"
#include "common/error.h"
#include "source/source.h"

namespace fastbatch {

// Threads: immutable except for the counters; any thread opens, each into its own Image.
class ImageOpener {
 public:
  // An open image, with the bytes that the reader needs. Threads: one at a time.
  struct Image {
    explicit Image(const ImageOpener& opener) : reader(opener.make_external_) {}
    ReadBuffer buffer;
    ImageFileReader reader;
  };

  ImageOpener(std::shared_ptr<const SampleSource> source, std::uint64_t max_pixels, MakeImageReader make_external)
      : source_(std::move(source)), max_pixels_(max_pixels), make_external_(std::move(make_external)) {}

  [[nodiscard]] const SampleSource& source() const noexcept { return *source_; }
  [[nodiscard]] std::uint64_t n_external() const noexcept { return n_external_; }  // images that no codec decoded

  // JPEGs that our own decoder decoded; and those, or parts of those, that libjpeg-turbo did.
  [[nodiscard]] std::uint64_t n_jpeg_own() const noexcept { return n_jpeg_own_; }
  [[nodiscard]] std::uint64_t n_jpeg_library() const noexcept { return n_jpeg_library_; }
  // Call after the image was decoded.
  void count_decoded(const ImageInfo& info, const Image& image) const noexcept;

  // Reads the sample and its header. Throws Error; call it inside placing_errors().
  ImageInfo open(std::uint64_t index, Image& image) const;

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
      throw FileError(source_->where(index), error.code());
    } catch (const std::logic_error& error) {
      // The options were checked when the decoder was made: a size that does not fit is that of this sample.
      throw DecodeError(source_->where(index), error.what());
    }
  }

 private:
  const std::shared_ptr<const SampleSource> source_;
  const std::uint64_t max_pixels_;
  const MakeImageReader make_external_;
  mutable std::atomic<std::uint64_t> n_external_{0};
  mutable std::atomic<std::uint64_t> n_jpeg_own_{0};
  mutable std::atomic<std::uint64_t> n_jpeg_library_{0};
};

}  // namespace fastbatch
