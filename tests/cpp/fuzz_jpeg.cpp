// SPDX-License-Identifier: MIT
// Any bytes: the JPEG is decoded or refused, alone and into a crop; nothing crashes, leaks or hangs, and what
// one file leaves behind does not change the next.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "codecs/jpeg/reader.h"
#include "codecs/registry.h"
#include "common/error.h"
#include "image/cropper.h"

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

// Crops of every kind, exact and not, turned or not.
void decode_and_crop(JpegReader& reader, ImageCropper& cropper, std::span<const std::byte> file) {
  const unsigned kind = file.empty() ? 0 : std::to_integer<unsigned>(file.back());
  ImageOptions options;
  options.height = 17;
  options.width = 24;
  options.crop = static_cast<Crop>(kind % 5);
  options.resize = options.crop == Crop::kCenter || options.crop == Crop::kRandom ? 32 : 0;
  options.exact = kind % 2 == 0;
  options.color = kind % 3 == 0 ? ColorMode::kGray : kind % 3 == 1 ? ColorMode::kRgba : ColorMode::kRgb;
  try {
    ImageInfo info = reader.read_header(file, kFewPixels);
    info.codec = codec_of(file);  // as ImageFileReader does
    const std::uint8_t orientation = kind % 7 == 0 ? std::uint8_t{1} : info.orientation;
    std::vector<std::uint8_t> slot(4 * options.height * options.width);
    const CropPlan plan = plan_crop(turned(info.size, orientation), options, Stream(kind, 0, 0));
    cropper.run(reader, info, orientation, plan, options, slot.data());
  } catch (const DecodeError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JpegReader used;
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  const auto first = decode_whole(used, file);
  static ImageCropper cropper;
  decode_and_crop(used, cropper, file);
  JpegReader fresh;
  if (decode_whole(fresh, file) != first) std::abort();
  return 0;
}
