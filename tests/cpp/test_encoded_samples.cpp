// SPDX-License-Identifier: MIT
// Images in memory give what the same images give as files: through decoders and the probe, errors included.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "codecs/probe.h"
#include "common/error.h"
#include "decode/image_decoder.h"
#include "decode/mask_decoder.h"
#include "decode/matrix_decoder.h"
#include "jpeg_writer.h"
#include "source/encoded_samples.h"
#include "source/file_list.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using Bytes = std::vector<std::byte>;
using testing::TemporaryFolder;

// Three gray JPEGs, one behind the other; the last is longer than the head that the probe reads.
struct Blob {
  Bytes bytes;
  std::vector<std::uint64_t> offsets{0};

  Blob() {
    add(50, 37);
    add(20, 90);
    add(700, 600);
  }
  void add(unsigned width, unsigned height) {
    append(test::write_jpeg(test::test_pixels(width, height, 1, width), width, height, {.components = 1}));
  }
  void append(const Bytes& sample) {
    bytes.insert(bytes.end(), sample.begin(), sample.end());
    offsets.push_back(bytes.size());
  }
  [[nodiscard]] std::string sample(std::size_t i) const {
    return {reinterpret_cast<const char*>(bytes.data()) + offsets[i], offsets[i + 1] - offsets[i]};
  }
  [[nodiscard]] std::shared_ptr<const EncodedSamples> source(Names names = {}) const {
    return std::make_shared<EncodedSamples>(bytes, offsets, std::move(names));
  }
};

Bytes decode(const Decoder& decoder, const std::vector<std::uint64_t>& indices, StreamKey key) {
  Bytes slots(indices.size() * decoder.slot_bytes());
  std::size_t failed_at = 0;
  decoder.decode(indices, key, slots.data(), *decoder.workspace(), failed_at);
  return slots;
}

std::string error_of(const Decoder& decoder, std::uint64_t index) {
  try {
    decode(decoder, {index}, {});
  } catch (const DecodeError& error) {
    CHECK(error.where().sample == index);
    return error.what();
  }
  return "no error";
}

ImageOptions drawn_options() {
  ImageOptions options;
  options.height = 24;
  options.width = 31;
  options.crop = Crop::kRandomResized;
  options.color = ColorMode::kGray;
  options.flip = true;
  return options;
}

TEST_CASE("images in memory decode to the bytes that files give") {
  const TemporaryFolder folder;
  const Blob blob;
  const auto memory = blob.source();
  auto files = std::make_shared<FileList>();
  for (std::size_t i = 0; i < 3; ++i) files->add(folder.write(std::to_string(i), blob.sample(i)));
  REQUIRE(memory->size() == 3);
  const ImageOptions options = drawn_options();
  const std::vector<std::uint64_t> indices{2, 0, 1, 2};
  const StreamKey key{.seed = 3, .epoch = 1};

  CHECK(decode(ImageDecoder(memory, options), indices, key) == decode(ImageDecoder(files, options), indices, key));
  CHECK(decode(MaskDecoder(memory, memory, options), indices, key) ==
        decode(MaskDecoder(files, files, options), indices, key));
  CHECK(decode(MaskDecoder(files, memory, options), indices, key) ==
        decode(MaskDecoder(memory, files, options), indices, key));
  CHECK(decode(MatrixDecoder(memory, options), indices, key) == decode(MatrixDecoder(files, options), indices, key));

  const auto from_memory = probe_images(*memory, 0, 3, 2, kMaxPixels, StopFlag());
  const auto from_files = probe_images(*files, 0, 3, 2, kMaxPixels, StopFlag());
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(from_memory[i].error.empty());
    CHECK(from_memory[i].info.size == from_files[i].info.size);
    CHECK(from_memory[i].info.mode == "L");
  }
  CHECK(from_memory[2].info.size == ImageSize{700, 600});
}

TEST_CASE("errors name the sample in memory") {
  Blob blob;
  blob.bytes.erase(blob.bytes.end() - 1000, blob.bytes.end());  // of the last image
  blob.offsets.back() = blob.bytes.size();
  blob.append({std::byte{'h'}, std::byte{'e'}, std::byte{'l'}, std::byte{'l'}, std::byte{'o'}});
  blob.append({});
  const ImageDecoder unnamed(blob.source(), drawn_options());
  CHECK(error_of(unnamed, 2).starts_with("sample 2: JPEG ends early"));
  CHECK(error_of(unnamed, 3).ends_with("expected JPEG, PNG or WebP, found the bytes 68 65 6c 6c"));
  CHECK(error_of(unnamed, 4).ends_with("found an empty file"));
  CHECK(blob.source()->name(3) == "sample 3 in memory");

  Names names;
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"}) names.add(name);
  const ImageDecoder named(blob.source(names), drawn_options());
  CHECK(error_of(named, 2).starts_with("c.jpg: sample 2: JPEG ends early"));
  CHECK(blob.source(names)->name(3) == "d.jpg");

  const auto probed = probe_images(*blob.source(), 3, 2, 1, kMaxPixels, StopFlag());
  CHECK(probed[0].error.ends_with("found the bytes 68 65 6c 6c"));
  CHECK(probed[0].is_unsupported);
  CHECK(probed[1].error.ends_with("found an empty file"));
}

TEST_CASE("offsets that lie are refused") {
  const Bytes blob(10);
  const auto refused = [&](std::vector<std::uint64_t> offsets, const char* message) {
    CHECK_THROWS_WITH_AS(EncodedSamples(blob, std::move(offsets)), message, std::invalid_argument);
  };
  refused({}, "offsets: expected one more than there are samples, found none");
  refused({0, 5, 4}, "offsets: expected numbers that never fall, found 4 after 5");
  refused({0, 11}, "offsets: expected at most the blob's 10 bytes, found 11");
  refused({0, std::numeric_limits<std::uint64_t>::max()},
          "offsets: expected at most the blob's 10 bytes, found 18446744073709551615");
  Names names;
  names.add("one");
  CHECK_THROWS_WITH_AS(EncodedSamples(blob, {0, 3, 10}, names), "names: expected 2, found 1", std::invalid_argument);
  CHECK(EncodedSamples(blob, {0}).size() == 0);

  const EncodedSamples samples(blob, {2, 2, 5, 10});
  ReadBuffer buffer;
  CHECK(samples.read(0, buffer).empty());
  CHECK(samples.read(1, buffer).data() == blob.data() + 2);
  CHECK(samples.read(2, buffer).size() == 5);
  CHECK(samples.read_head(2, 3, buffer).size() == 3);
  CHECK(samples.read_head(2, 30, buffer).size() == 5);
  CHECK(buffer.capacity() == 0);
}

}  // namespace
}  // namespace fastbatch
