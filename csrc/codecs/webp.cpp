// SPDX-License-Identifier: MIT
#include "codecs/webp.h"

#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "codecs/color.h"
#include "codecs/exif.h"
#include "codecs/registry.h"
#include "common/error.h"
#include "common/memory.h"
#include "source/load.h"

namespace fastbatch {
namespace {

// Rows decoded below the last requested one, whose colours depend on them.
constexpr std::size_t kRowsBelow = 4;

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, DeleteDemuxer>;

struct Frame : WebPIterator {
  explicit Frame(const WebPDemuxer* demuxer) : WebPIterator{} { found = WebPDemuxGetFrame(demuxer, 1, this) != 0; }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { WebPDemuxReleaseIterator(this); }
  bool found = false;
};

std::span<const std::byte> chunk_of(const WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator chunk{};
  std::span<const std::byte> bytes;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) != 0) {
    bytes = {reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size};  // points into the file
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

std::uint8_t orientation_of(const WebPDemuxer* demuxer) {
  std::optional<std::uint8_t> found = exif_orientation(chunk_of(demuxer, "EXIF"));
  if (!found) {
    const std::span<const std::byte> xmp = chunk_of(demuxer, "XMP ");
    found = xmp_orientation(text_of(xmp));
  }
  return found.value_or(1);
}

// Throws std::bad_alloc if so many bytes cannot be allocated.
void require_memory(std::size_t n_bytes) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(n_bytes);
  *static_cast<volatile std::byte*>(memory.get()) = std::byte{0};  // or the compiler would leave it out
}

const char* text_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_BITSTREAM_ERROR: return "broken WebP: the compressed data is damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "unsupported WebP: a feature that libwebp does not know";
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return "WebP ends early: the compressed data is cut off";
    default: return "broken WebP: libwebp refuses it";
  }
}

}  // namespace

bool is_webp(std::span<const std::byte> file) noexcept {
  const std::string_view bytes = text_of(file);
  return bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8).starts_with("WEBP");
}

struct WebpReader::State {
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  Demuxer demuxer;
  ImageSize canvas{};
  bool has_alpha = false;

  ColorMode mode = ColorMode::kRgb;
  Window window{};
  std::size_t channels = 3;          // channels of `pixels`
  std::vector<std::uint8_t> pixels;  // the canvas down to the last requested row, or slightly further
  std::vector<std::uint8_t> gray;    // one row
  std::size_t row = 0;               // next row of the canvas

  void decode(std::size_t n_rows);
};

// Decodes the first frame onto a canvas of zeros.
void WebpReader::State::decode(std::size_t n_rows) {
  const Frame frame(demuxer.get());
  if (!frame.found) throw DecodeError({}, "broken WebP: expected a frame, found none");
  const auto width = static_cast<std::size_t>(frame.width);
  const auto height = static_cast<std::size_t>(frame.height);
  const bool covers = width == canvas.width && height == canvas.height;
  const std::size_t kept = covers ? std::min(height, (n_rows + 1) / 2 * 2 + kRowsBelow) : canvas.height;
  const std::size_t stride = channels * canvas.width;
  if (!covers) pixels.clear();
  pixels.resize(stride * kept);

  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw DecodeError({}, "libwebp is of another version than its headers");
  if (covers && kept < height) {
    config.options.use_cropping = 1;
    config.options.crop_width = frame.width;
    config.options.crop_height = static_cast<int>(kept);
  }
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  WebPRGBABuffer& target = config.output.u.RGBA;
  const std::size_t first =
      static_cast<std::size_t>(frame.y_offset) * stride + static_cast<std::size_t>(frame.x_offset) * channels;
  target.rgba = pixels.data() + first;
  target.stride = static_cast<int>(stride);
  target.size = pixels.size() - first;
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_OUT_OF_MEMORY) {    // newer versions of libwebp also say so of damaged alpha data
    constexpr std::size_t kBytesPerPixel = 8;  // more than it allocates
    require_memory(kBytesPerPixel * static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height));
    throw DecodeError({}, text_of(VP8_STATUS_BITSTREAM_ERROR));
  }
  if (status != VP8_STATUS_OK) throw DecodeError({}, text_of(status));
}

WebpReader::WebpReader() : state_(std::make_unique<State>()) {}
WebpReader::WebpReader(WebpReader&&) noexcept = default;
WebpReader& WebpReader::operator=(WebpReader&&) noexcept = default;
WebpReader::~WebpReader() = default;

ImageInfo WebpReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  State& state = *state_;
  state.demuxer.reset();
  check_format(is_webp(file), "WebP", file);
  state.bytes = reinterpret_cast<const std::uint8_t*>(file.data());
  state.size = file.size();
  const WebPData data{state.bytes, state.size};
  state.demuxer.reset(WebPDemux(&data));
  if (!state.demuxer) {
    const bool cut = file.size() >= 8 && load_little<std::uint32_t>(file, 4) > file.size() - 8;
    throw DecodeError({}, cut ? "WebP ends early: expected " +
                                    std::to_string(load_little<std::uint32_t>(file, 4) + std::uint64_t{8}) +
                                    " bytes, found " + std::to_string(file.size())
                              : std::string("broken WebP: its chunks do not fit together"));
  }
  state.canvas = {WebPDemuxGetI(state.demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                  WebPDemuxGetI(state.demuxer.get(), WEBP_FF_CANVAS_HEIGHT)};
  check_pixels(state.canvas, max_pixels);
  WebPBitstreamFeatures features{};
  state.has_alpha = WebPGetFeatures(state.bytes, state.size, &features) != VP8_STATUS_OK || features.has_alpha != 0;
  return {.size = state.canvas,
          .mode = state.has_alpha ? "RGBA" : "RGB",
          .orientation = orientation_of(state.demuxer.get()),
          .is_opaque = !state.has_alpha};
}

ImageRows WebpReader::start(ColorMode mode, const ImagePart& part) {
  State& state = *state_;
  if (mode == ColorMode::kIndex || mode == ColorMode::kGrayAlpha) {
    throw DecodeError({}, "WebP cannot be had as " + std::string(mode == ColorMode::kIndex ? "P" : "LA"));
  }
  state.mode = mode;
  state.channels = mode == ColorMode::kRgba && state.has_alpha ? 4 : 3;
  const bool all = part.window.width == 0 || part.window.height == 0;
  state.window = all ? Window{0, 0, state.canvas.width, state.canvas.height} : part.window;
  state.row = state.window.y;
  state.decode(state.window.y + state.window.height);
  return {state.canvas, 1, state.window};
}

std::size_t WebpReader::read_rows(std::uint8_t* rows, std::size_t n) {
  State& state = *state_;
  const std::size_t width = state.window.width;
  const std::size_t wanted = std::min(n, state.window.y + state.window.height - state.row);
  for (std::size_t i = 0; i < wanted; ++i, ++state.row, rows += width * pixel_bytes_of(state.mode)) {
    const std::uint8_t* pixels =
        state.pixels.data() + (state.row * state.canvas.width + state.window.x) * state.channels;
    if (state.mode == ColorMode::kGray) {
      rgb_to_gray(pixels, state.channels, rows, width);
    } else if (state.mode == ColorMode::kGray16) {
      state.gray.resize(width);
      rgb_to_gray(pixels, state.channels, state.gray.data(), width);
      widen_gray(state.gray.data(), rows, width);
    } else if (state.mode == ColorMode::kRgba && state.channels == 3) {
      rgb_to_rgba(pixels, rows, width);
    } else {
      std::memcpy(rows, pixels, width * state.channels);
    }
  }
  return wanted;
}

void WebpReader::finish() {
  State& state = *state_;
  state.demuxer.reset();
  free_if_large(state.pixels);
}

}  // namespace fastbatch
