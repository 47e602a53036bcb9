// SPDX-License-Identifier: MIT
// Any bytes: the JPEG is decoded or refused, alone and through the resize; nothing crashes, leaks or hangs, and what
// one file leaves behind does not change the next.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "common/error.h"
#include "decode/image_decoder.h"
#include "decode/jpeg.h"
#include "decode/resize_stream.h"

using namespace fastbatch;

namespace {

constexpr std::uint64_t kFewPixels = 1 << 18;

std::optional<std::vector<std::uint8_t>> decode_whole(JpegReader& reader, std::span<const std::byte> file) {
  try {
    const ImageSize size = reader.read_header(file, kFewPixels).size;
    std::vector<std::uint8_t> pixels(3 * size.pixels());
    reader.start(ColorMode::kRgb, {});
    reader.read_rows(pixels.data(), size.height);
    reader.finish();
    return pixels;
  } catch (const DecodeError&) {
    return std::nullopt;
  }
}

void decode_and_resize(JpegReader& reader, std::span<const std::byte> file) {
  ImageOptions options;
  options.height = 17;
  options.width = 24;
  options.crop = file.size() % 2 == 0 ? Crop::kCenter : Crop::kNone;
  options.resize = 32;
  try {
    const ImageSize size = reader.read_header(file, kFewPixels).size;
    const Resizer resizer(resize_spec(plan_crop(size, options, Stream(0, 0, 0)), options.filter, 3));
    std::vector<std::uint8_t> pixels(3 * options.height * options.width);
    std::vector<std::uint8_t> rows(std::size_t{3} * size.width * 16);
    std::vector<std::byte> scratch;
    ResizeStream resized(resizer, pixels.data(), static_cast<std::ptrdiff_t>(3 * options.width), scratch);
    reader.start(ColorMode::kRgb, {});
    while (const std::size_t n = reader.read_rows(rows.data(), 16)) {
      resized.push(rows.data(), static_cast<std::ptrdiff_t>(3 * size.width), n);
    }
    reader.finish();
  } catch (const DecodeError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JpegReader used;
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  const auto first = decode_whole(used, file);
  decode_and_resize(used, file);
  JpegReader fresh;
  if (decode_whole(fresh, file) != first) std::abort();
  return 0;
}
