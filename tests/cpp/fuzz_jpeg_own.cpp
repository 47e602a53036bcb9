// SPDX-License-Identifier: MIT
// Any bytes: our own JPEG decoder, with libjpeg-turbo behind it, gives what libjpeg-turbo alone gives: pixels, refusal
// and message, of the whole image and of a part, at every scale, in any portions; also where the part of the same file
// that was decoded before has noted where to begin.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "codecs/jpeg/seek_index.h"
#include "jpeg_outcome.h"

using namespace fastbatch;

namespace {

constexpr std::uint64_t kFewPixels = 1 << 18;
constexpr std::size_t kIndexBytes = std::size_t{1} << 24U;

}  // namespace

// The last bytes of the file choose part, scale and mode. Decoders do not read them: they are behind the end marker.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  const std::uint8_t* const choice = data + size - 6;
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  if (!is_jpeg(file)) return 0;
  ImagePart part{{choice[0], choice[1], choice[2], choice[3]}, 1U << (choice[4] & 3U)};
  if (choice[2] == 0 || choice[3] == 0) part.window = {};
  constexpr ColorMode kModes[] = {ColorMode::kRgb, ColorMode::kRgba, ColorMode::kGray, ColorMode::kGray16};
  const ColorMode mode = kModes[choice[4] >> 2U & 3U];
  const std::size_t portion = 1 + choice[5] % 40U;
  static JpegReader own;
  TurboReader turbo;
  const test::Outcome expected = test::outcome_of(turbo, file, mode, part, 7, kFewPixels);
  if (test::outcome_of(own, file, mode, part, portion, kFewPixels) != expected) std::abort();

  static JpegReader indexed;
  const auto index = std::make_shared<JpegSeekIndex>(kIndexBytes);
  indexed.use_index(index);
  const ImagePart before{{choice[3], choice[5], choice[0], 1U + choice[2]}, 1};
  static_cast<void>(test::outcome_of(indexed, file, mode, before, portion, kFewPixels));
  for (int round = 0; round < 2; ++round) {
    if (test::outcome_of(indexed, file, mode, part, portion, kFewPixels) != expected) std::abort();
  }
  return 0;
}
