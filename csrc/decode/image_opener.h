// SPDX-License-Identifier: MIT
// Encoded images of a source, ready to be opened: the one place that reads a sample, reads its header, counts the
// images that the external reader takes, and gives errors their place.
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

// Threads: immutable but for the counter; any thread opens, each into its own Image.
class ImageOpener {
 public:
  // An open image: its bytes stay for as long as the reader needs them. Threads: one at a time.
  struct Image {
    explicit Image(const ImageOpener& opener) : reader(opener.make_external_) {}
    ReadBuffer buffer;
    ImageFileReader reader;
  };

  ImageOpener(std::shared_ptr<const SampleSource> source, std::uint64_t max_pixels, MakeImageReader make_external)
      : source_(std::move(source)), max_pixels_(max_pixels), make_external_(std::move(make_external)) {}

  [[nodiscard]] const SampleSource& source() const noexcept { return *source_; }
  [[nodiscard]] std::uint64_t n_external() const noexcept { return n_external_; }  // images that no codec decoded

  // Reads the sample and its header. Throws Error; call it inside placing_errors().
  ImageInfo open(std::uint64_t index, Image& image) const;

  // Runs `work`; an Error that names no sample yet gets the name and number of this one.
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
};

}  // namespace fastbatch
