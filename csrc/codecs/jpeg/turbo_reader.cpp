// SPDX-License-Identifier: MIT
#include "codecs/jpeg/turbo_reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "codecs/color.h"
#include "codecs/jpeg/libjpeg.h"
#include "codecs/jpeg/segments.h"
#include "common/error.h"

namespace fastbatch {
namespace {

// Chroma stored at half the width is interpolated from the neighbours on both sides, which the outermost pixels of a
// part need too.
constexpr std::uint32_t kMargin = 2;
constexpr std::size_t kConvertedBytes = std::size_t{64} << 10U;  // bytes of the rows that are converted together

// Throws for kinds of images that Pillow's reader or libjpeg do not decode.
void check_kind(const jpeg_decompress_struct& info, std::uint64_t max_pixels) {
  if (info.data_precision != 8) {
    throw UnsupportedError({},
                           "unsupported JPEG: expected 8 bits a sample, found " + std::to_string(info.data_precision));
  }
  const int n = info.num_components;
  if (n != 1 && n != 3 && n != 4) {
    throw UnsupportedError({}, "unsupported JPEG: expected 1, 3 or 4 components, found " + std::to_string(n));
  }
  check_pixels({info.image_width, info.image_height}, max_pixels);
}

// Where scans are missing, libjpeg smooths the blocks, since version 3 in a way of its own; Pillow brings a version 3.
bool smooths_otherwise(const jpeg_decompress_struct& info) {
  constexpr int kSmoothed = 10;  // coefficients
  if (LIBJPEG_TURBO_VERSION_NUMBER >= 3'000'000 || info.coef_bits == nullptr) return false;
  for (int c = 0; c < info.num_components; ++c) {
    const auto* bits = info.coef_bits[c];
    if (std::any_of(bits + 1, bits + kSmoothed, [](int missing) { return missing != 0; })) return true;
  }
  return false;
}

// The smallest range of pixels of a scaled image that covers pixels [begin, begin + size).
struct Range {
  std::uint32_t begin;
  std::uint32_t end;
};
Range scaled_range(std::size_t begin, std::size_t size, unsigned denominator, std::uint32_t limit) {
  const std::size_t end = (begin + size + denominator - 1) / denominator;
  return {static_cast<std::uint32_t>(begin / denominator),
          static_cast<std::uint32_t>(std::min<std::size_t>(end, limit))};
}

}  // namespace

#define FASTBATCH_TEXT_OF(x) #x
#define FASTBATCH_TEXT(x) FASTBATCH_TEXT_OF(x)
std::string_view libjpeg_version() noexcept { return FASTBATCH_TEXT(LIBJPEG_TURBO_VERSION); }

struct TurboReader::State {
  JpegCodec codec;
  ImageSize size{};
  ColorMode mode = ColorMode::kRgb;
  std::vector<std::uint8_t> native;  // rows from libjpeg that need a conversion
  std::vector<std::uint8_t> rgb;     // one row between CMYK and the requested mode
  std::uint32_t rows_left = 0;       // rows of the window not yet delivered

  [[nodiscard]] bool converts() const noexcept { return wanted_space() != codec.info.out_color_space; }
  [[nodiscard]] J_COLOR_SPACE wanted_space() const noexcept;
  void convert(const std::uint8_t* src, std::uint8_t* dst);
  JDIMENSION read(std::uint8_t* rows, JDIMENSION n);
  [[noreturn]] void fail_early(const std::string& found) {
    codec.fail("JPEG ends early: expected " + std::to_string(size.height) + " rows, found " + found);
  }
};

// libjpeg's colour space that needs no conversion, or JCS_UNKNOWN.
J_COLOR_SPACE TurboReader::State::wanted_space() const noexcept {
  switch (mode) {
    case ColorMode::kRgb: return JCS_RGB;
    case ColorMode::kRgba: return JCS_EXT_RGBA;
    case ColorMode::kGray: return JCS_GRAYSCALE;
    case ColorMode::kGray16:
    case ColorMode::kIndex:
    case ColorMode::kStored:
    case ColorMode::kGrayAlpha: break;
  }
  return JCS_UNKNOWN;
}

// Converts one row from libjpeg.
void TurboReader::State::convert(const std::uint8_t* src, std::uint8_t* dst) {
  const std::size_t n = codec.info.output_width;
  if (codec.info.out_color_space == JCS_CMYK) {
    if (mode == ColorMode::kRgb) return cmyk_to_rgb(src, dst, n);
    cmyk_to_rgb(src, rgb.data(), n);
    src = rgb.data();
    if (mode == ColorMode::kRgba) return rgb_to_rgba(src, dst, n);
  }
  if (mode == ColorMode::kGray) return rgb_to_gray(src, 3, dst, n);
  if (codec.info.out_color_space != JCS_GRAYSCALE) {
    rgb_to_gray(src, 3, rgb.data() + 3 * n, n);
    src = rgb.data() + 3 * n;
  }
  widen_gray(src, dst, n);
}

// Reads n rows, fewer at the end of the data.
JDIMENSION TurboReader::State::read(std::uint8_t* rows, JDIMENSION n) {
  jpeg_decompress_struct& info = codec.info;
  const std::size_t stride = pixel_bytes_of(mode) * info.output_width;
  JDIMENSION got = 0;
  if (!converts()) {
    codec.guarded([&] { got = codec.read_lines(rows, stride, n); });
    return got;
  }
  const std::size_t native_stride = static_cast<std::size_t>(info.output_components) * info.output_width;
  const auto together = static_cast<JDIMENSION>(native.size() / native_stride);
  while (got < n) {
    const JDIMENSION wanted = std::min(n - got, together);
    JDIMENSION some = 0;
    codec.guarded([&] { some = codec.read_lines(native.data(), native_stride, wanted); });
    for (JDIMENSION i = 0; i < some; ++i) convert(native.data() + i * native_stride, rows + (got + i) * stride);
    got += some;
    if (some < wanted) break;
  }
  return got;
}

TurboReader::TurboReader() : state_(std::make_unique<State>()) {}
TurboReader::TurboReader(TurboReader&&) noexcept = default;
TurboReader& TurboReader::operator=(TurboReader&&) noexcept = default;
TurboReader::~TurboReader() = default;

ImageInfo TurboReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  JpegCodec& codec = state_->codec;
  state_->size = {};
  state_->rows_left = 0;
  codec.close();
  const JpegSegments segments = read_jpeg_segments(file);
  if (segments.oddity != nullptr) {
    throw UnsupportedError({}, std::string("unsupported JPEG: ") + segments.oddity);
  }
  codec.open(file);
  int status = JPEG_SUSPENDED;
  codec.guarded([&] {
    // A stream may begin with tables that have their own end marker.
    do {
      status = jpeg_read_header(&codec.info, FALSE);
    } while (status == JPEG_HEADER_TABLES_ONLY);
  });
  if (status == JPEG_SUSPENDED) {
    codec.fail("JPEG ends early: expected an image header, found the end of the file after " +
               std::to_string(file.size()) + " bytes");
  }
  check_kind(codec.info, max_pixels);
  state_->size = {codec.info.image_width, codec.info.image_height};
  const int n = codec.info.num_components;
  return {.size = state_->size,
          .mode = n == 1   ? "L"
                  : n == 3 ? "RGB"
                           : "CMYK",
          .orientation = segments.orientation(),
          .is_opaque = true};
}

ImageRows TurboReader::start(ColorMode mode, const ImagePart& part) {
  State& state = *state_;
  jpeg_decompress_struct& info = state.codec.info;
  state.mode = mode;
  const bool gray = mode == ColorMode::kGray || mode == ColorMode::kGray16;
  info.out_color_space = info.num_components == 4           ? JCS_CMYK
                         : info.num_components == 1 && gray ? JCS_GRAYSCALE
                         : mode == ColorMode::kRgba         ? JCS_EXT_RGBA
                                                            : JCS_RGB;
  const unsigned denominator = part.denominator >= 8 ? 8 : part.denominator >= 4 ? 4 : part.denominator >= 2 ? 2 : 1;
  info.scale_num = 1;
  info.scale_denom = denominator;
  boolean ready = FALSE;
  state.codec.guarded([&] { ready = jpeg_start_decompress(&info); });
  if (ready == FALSE) state.fail_early("the end of the file in scan " + std::to_string(info.input_scan_number));

  if (denominator == 1 && smooths_otherwise(info)) {
    state.codec.close();
    throw UnsupportedError({}, "unsupported JPEG: scans are missing, which libjpeg-turbo " +
                                   std::string(libjpeg_version()) + " smooths otherwise than Pillow");
  }

  const ImageSize scaled{info.output_width, info.output_height};
  const bool all = part.window.width == 0 || part.window.height == 0;
  const Window asked = all ? Window{0, 0, state.size.width, state.size.height} : part.window;
  const Range columns = scaled_range(asked.x, asked.width, denominator, scaled.width);
  const Range rows = scaled_range(asked.y, asked.height, denominator, scaled.height);
  JDIMENSION left = columns.begin - std::min(columns.begin, kMargin);
  JDIMENSION width = std::min(columns.end + kMargin, scaled.width) - left;
  JDIMENSION skipped = 0;
  state.codec.guarded([&] {
    if (width < scaled.width) jpeg_crop_scanline(&info, &left, &width);
    if (rows.begin > 0) skipped = jpeg_skip_scanlines(&info, rows.begin);
  });
  if (skipped < rows.begin) state.fail_early(std::to_string(info.output_scanline * denominator));
  state.rows_left = rows.end - rows.begin;
  if (state.converts()) {
    const std::size_t stride = static_cast<std::size_t>(info.output_components) * info.output_width;
    state.native.resize(stride * std::max<std::size_t>(kConvertedBytes / stride, 1));
    state.rgb.resize(std::size_t{4} * info.output_width);
  }
  return {
      .scaled = scaled, .denominator = denominator, .window = {left, rows.begin, info.output_width, state.rows_left}};
}

std::size_t TurboReader::read_rows(std::uint8_t* rows, std::size_t n) {
  State& state = *state_;
  const auto wanted = static_cast<JDIMENSION>(std::min<std::size_t>(n, state.rows_left));
  if (wanted == 0) return 0;
  const JDIMENSION got = state.read(rows, wanted);
  if (got < wanted) state.fail_early(std::to_string(state.codec.info.output_scanline * state.codec.info.scale_denom));
  state.rows_left -= got;
  return got;
}

void TurboReader::close() {
  state_->codec.close();
  state_->rows_left = 0;
}

void TurboReader::finish() {
  JpegCodec& codec = state_->codec;
  // The data after a part is not validated.
  if (state_->rows_left == 0 && codec.info.output_scanline < codec.info.output_height) return codec.close();
  codec.end_input();
  // A missing end marker is not an error after all rows.
  codec.guarded([&] { jpeg_finish_decompress(&codec.info); });
  codec.close();
}

}  // namespace fastbatch
