// SPDX-License-Identifier: MIT
// Many images read whole: the errors of a decode, from any number of threads, and the stop.
#include <doctest/doctest.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "codecs/file_reader.h"
#include "codecs/png.h"
#include "codecs/verify.h"
#include "common/stop.h"
#include "jpeg_writer.h"
#include "png_writer.h"

namespace fastbatch {
namespace {

using test::JpegKind;
using test::test_pixels;
using test::write_jpeg;
using Bytes = std::vector<std::byte>;

// Samples in memory; an empty one cannot be read.
class Memory final : public SampleSource {
 public:
  explicit Memory(std::vector<Bytes> samples) : samples_(std::move(samples)) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return samples_.size(); }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& /*buffer*/) const override {
    if (samples_[i].empty()) throw FileError(where(i), ENOENT);
    return samples_[i];
  }
  [[nodiscard]] std::string name(std::uint64_t i) const override { return std::to_string(i); }

 private:
  std::vector<Bytes> samples_;
};

Bytes cut(Bytes file, std::size_t n_less) {
  file.resize(file.size() - n_less);
  return file;
}

std::string error_of_decode(std::span<const std::byte> file) {
  ImageFileReader reader;
  try {
    const ImageInfo info = reader.read_header(file, kMaxPixels);
    const std::optional<ColorMode> mode = color_mode_named(info.mode, info.mode);
    if (!mode) return wrong_mode_text(info.mode);
    reader.start(*mode, {});
    std::vector<std::uint8_t> row(info.size.width * pixel_bytes_of(*mode));
    while (reader.read_rows(row.data(), 1) != 0) {
    }
    reader.finish();
  } catch (const DecodeError& error) {
    return error.message();
  }
  return {};
}

TEST_CASE("the errors of a decode, in order, from any number of threads") {
  std::vector<Bytes> samples;
  for (unsigned i = 0; i < 40; ++i) {
    JpegKind kind;
    kind.restart_interval = i % 3;
    kind.progressive = i % 5 == 1;
    const Bytes jpeg = write_jpeg(test_pixels(37, 35, 3), 37, 35, kind);
    samples.push_back(i % 4 == 3 ? cut(jpeg, 30 + i) : jpeg);
    if (i % 7 == 2) samples.push_back({});
    if (i % 9 == 4) samples.push_back(Bytes(20, std::byte{'x'}));
  }
  const Memory source(samples);
  const StopFlag stop;
  for (const unsigned threads : {1U, 2U, 5U, 100U}) {
    const std::vector<VerifiedImage> found = verify_images(source, 1, samples.size() - 1, threads, kMaxPixels, stop);
    REQUIRE(found.size() == samples.size() - 1);
    for (std::size_t i = 0; i < found.size(); ++i) {
      CAPTURE(i);
      const Bytes& sample = samples[i + 1];
      CHECK(found[i].n_bytes == sample.size());
      CHECK(found[i].system_error == (sample.empty() ? ENOENT : 0));
      if (!sample.empty()) CHECK(found[i].error == error_of_decode(sample));
      CHECK(found[i].is_unsupported == (sample.size() == 20));
    }
  }
  CHECK(verify_images(source, 0, 0, 4, kMaxPixels, stop).empty());
  CHECK(verify_images(source, 0, 1, 4, 37 * 35 - 1, stop)[0].error.starts_with("image too large"));
}

TEST_CASE("a PNG with any byte changed, or cut") {
  for (const bool interlaced : {false, true}) {
    test::PngKind kind;
    kind.interlaced = interlaced;
    const Bytes file = test::write_png({13, 9}, kind);
    std::vector<Bytes> samples{file};
    for (std::size_t at = 8; at < file.size(); ++at) {
      samples.push_back(file);
      samples.back()[at] ^= std::byte(1U << (at % 8));
      samples.push_back(cut(file, file.size() - at));
    }
    const Memory source(samples);
    const StopFlag stop;
    const std::vector<VerifiedImage> found = verify_images(source, 0, samples.size(), 2, kMaxPixels, stop);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      CAPTURE(i);
      CHECK(found[i].error == error_of_decode(samples[i]));
    }
  }
}

TEST_CASE("a stop ends the work") {
  const Memory source({write_jpeg(test_pixels(37, 35, 3), 37, 35, {})});
  StopFlag stop;
  stop.set();
  CHECK_THROWS_AS(verify_images(source, 0, 1, 1, kMaxPixels, stop), StoppedError);
}

}  // namespace
}  // namespace fastbatch
