// SPDX-License-Identifier: MIT
#include "decode/jpeg.h"

// In this order: jpeglib.h needs FILE, and jerror.h numbers its errors by what jpeglib.h says of the version.
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <new>
#include <string>
#include <vector>

#include "common/error.h"

namespace fastbatch {
namespace {

// Pillow hands libjpeg its file in blocks of this size and, once all rows are there, does not look into the next block:
// the same steps give the same verdict on files whose damage lies behind the pixels.
constexpr std::size_t kBlock = 65536;
// A progressive file may ask for any number of passes over the image with a few bytes each; real ones have about ten.
constexpr int kMaxScans = 500;
constexpr std::size_t kRowsPerCall = 16;

}  // namespace

// Threads: as the decoder. Callbacks reach it through `client_data`.
struct JpegDecoder::Codec {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  const JOCTET* block_end = nullptr;  // of what libjpeg was given so far
  const JOCTET* file_end = nullptr;
  std::vector<std::uint8_t> cmyk;  // one row, for images of four components
  ImageSize size{};
  bool last_block = false;  // give no block after this one

  Codec();
  ~Codec() { jpeg_destroy_decompress(&info); }
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  void open(std::span<const std::byte> file);
  [[noreturn]] void fail(const std::string& text);  // gives all memory back first
  // Runs calls into libjpeg, whose errors jump out of `call`: it must own nothing.
  template <typename Call>
  void guarded(const Call& call);
  template <typename Call>
  [[gnu::noinline]] bool returns(const Call& call);
  // Lines 0 to n; fewer when the data ends. Inside guarded() only.
  JDIMENSION read_lines(JSAMPLE* lines, std::size_t stride, JDIMENSION n);

  static Codec& of(j_common_ptr info) { return *static_cast<Codec*>(info->client_data); }
  static Codec& of(j_decompress_ptr info) { return *static_cast<Codec*>(info->client_data); }
  [[noreturn]] static void on_error(j_common_ptr info);
  static void on_progress(j_common_ptr info);
  static boolean next_block(j_decompress_ptr info);
  static void skip(j_decompress_ptr info, long n);
};

JpegDecoder::Codec::Codec() {
  info.err = jpeg_std_error(&errors);
  info.client_data = this;
  errors.error_exit = on_error;
  errors.emit_message = [](j_common_ptr, int) {};  // Warnings are what Pillow tolerates in silence.
  source.init_source = [](j_decompress_ptr) {};
  source.fill_input_buffer = next_block;
  source.skip_input_data = skip;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.term_source = [](j_decompress_ptr) {};
  progress.progress_monitor = on_progress;
}

void JpegDecoder::Codec::on_error(j_common_ptr info) {
  Codec& codec = of(info);
  (*info->err->format_message)(info, codec.message.data());
  std::longjmp(codec.escape, 1);
}

void JpegDecoder::Codec::on_progress(j_common_ptr info) {
  Codec& codec = of(info);
  if (codec.info.input_scan_number <= kMaxScans) return;
  std::snprintf(codec.message.data(), codec.message.size(), "expected at most %d scans, found more", kMaxScans);
  std::longjmp(codec.escape, 1);
}

boolean JpegDecoder::Codec::next_block(j_decompress_ptr info) {
  Codec& codec = of(info);
  if (codec.last_block || codec.block_end == codec.file_end) return FALSE;
  const auto n = std::min(kBlock, static_cast<std::size_t>(codec.file_end - codec.block_end));
  codec.source.next_input_byte = codec.block_end;
  codec.source.bytes_in_buffer = n;
  codec.block_end += n;
  return TRUE;
}

void JpegDecoder::Codec::skip(j_decompress_ptr info, long n) {
  if (n <= 0) return;
  Codec& codec = of(info);
  auto left = static_cast<std::size_t>(n);
  while (left > codec.source.bytes_in_buffer) {
    left -= codec.source.bytes_in_buffer;
    codec.source.next_input_byte += codec.source.bytes_in_buffer;
    codec.source.bytes_in_buffer = 0;
    if (next_block(info) == FALSE) return;
  }
  codec.source.next_input_byte += left;
  codec.source.bytes_in_buffer -= left;
}

template <typename Call>
bool JpegDecoder::Codec::returns(const Call& call) {
  if (setjmp(escape) != 0) return false;  // NOLINT(cert-err52-cpp): libjpeg has no other way out of an error
  call();
  return true;
}

template <typename Call>
void JpegDecoder::Codec::guarded(const Call& call) {
  if (returns(call)) return;
  if (errors.msg_code != JERR_OUT_OF_MEMORY) fail(std::string("broken JPEG: ") + message.data());
  jpeg_destroy_decompress(&info);
  throw std::bad_alloc();
}

void JpegDecoder::Codec::fail(const std::string& text) {
  jpeg_destroy_decompress(&info);
  throw DecodeError({}, text);
}

// A new libjpeg object for every image: tables of the image before would else stand in for those this one lacks, and
// the pixels would depend on the order of the files. It costs a few microseconds.
void JpegDecoder::Codec::open(std::span<const std::byte> file) {
  jpeg_destroy_decompress(&info);
  block_end = reinterpret_cast<const JOCTET*>(file.data());
  file_end = block_end + file.size();
  last_block = false;
  size = {};
  errors.msg_code = 0;
  guarded([this] {
    jpeg_create_decompress(&info);
    info.src = &source;
    info.progress = &progress;
    source.bytes_in_buffer = 0;
    next_block(&info);
  });
}

JDIMENSION JpegDecoder::Codec::read_lines(JSAMPLE* lines, std::size_t stride, JDIMENSION n) {
  std::array<JSAMPROW, kRowsPerCall> pointers;
  JDIMENSION done = 0;
  while (done < n) {
    const JDIMENSION wanted = std::min<JDIMENSION>(n - done, kRowsPerCall);
    for (JDIMENSION i = 0; i < wanted; ++i) pointers[i] = lines + (done + i) * stride;
    const JDIMENSION got = jpeg_read_scanlines(&info, pointers.data(), wanted);
    if (got == 0) break;
    done += got;
  }
  return done;
}

namespace {

// Pillow reads every CMYK JPEG as Adobe writes them, inverted, and converts without a colour profile.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned white = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned product = (255U - cmyk[4 * i + c]) * white + 128U;
      const unsigned ink = ((product >> 8U) + product) >> 8U;  // rounded product / 255
      rgb[3 * i + c] = static_cast<std::uint8_t>(white - std::min(ink, white));
    }
  }
}

// What Pillow's reader and libjpeg agree to decode.
void check_kind(const jpeg_decompress_struct& info, std::uint64_t max_pixels) {
  if (info.data_precision != 8) {
    throw DecodeError({}, "unsupported JPEG: expected 8 bits a sample, found " + std::to_string(info.data_precision));
  }
  const int n = info.num_components;
  if (n != 1 && n != 3 && n != 4) {
    throw DecodeError({}, "unsupported JPEG: expected 1, 3 or 4 components, found " + std::to_string(n));
  }
  if (ImageSize{info.image_width, info.image_height}.pixels() > max_pixels) {
    throw DecodeError({}, "image too large: expected at most " + std::to_string(max_pixels) + " pixels, found " +
                              std::to_string(info.image_width) + " x " + std::to_string(info.image_height));
  }
}

}  // namespace

JpegDecoder::JpegDecoder() : codec_(std::make_unique<Codec>()) {}
JpegDecoder::JpegDecoder(JpegDecoder&&) noexcept = default;
JpegDecoder& JpegDecoder::operator=(JpegDecoder&&) noexcept = default;
JpegDecoder::~JpegDecoder() = default;

ImageSize JpegDecoder::size() const noexcept { return codec_->size; }

ImageSize JpegDecoder::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  if (const std::string format = name_format(file); format != "JPEG") {
    throw DecodeError({}, "not an image of this format: expected JPEG, found " + format);
  }
  Codec& codec = *codec_;
  codec.open(file);
  int status = JPEG_SUSPENDED;
  codec.guarded([&] {
    // A stream may carry its tables in front, closed by an end marker of their own.
    do {
      status = jpeg_read_header(&codec.info, FALSE);
    } while (status == JPEG_HEADER_TABLES_ONLY);
  });
  if (status == JPEG_SUSPENDED) {
    codec.fail("JPEG ends early: expected an image header, found the end of the file after " +
               std::to_string(file.size()) + " bytes");
  }
  check_kind(codec.info, max_pixels);
  codec.size = {codec.info.image_width, codec.info.image_height};
  return codec.size;
}

void JpegDecoder::start() {
  Codec& codec = *codec_;
  codec.info.out_color_space = codec.info.num_components == 4 ? JCS_CMYK : JCS_RGB;
  if (codec.info.num_components == 4) codec.cmyk.resize(std::size_t{4} * codec.size.width);
  boolean ready = FALSE;
  codec.guarded([&] { ready = jpeg_start_decompress(&codec.info); });
  if (ready == FALSE) {
    codec.fail("JPEG ends early: expected " + std::to_string(codec.size.height) +
               " rows, found the end of the file in scan " + std::to_string(codec.info.input_scan_number));
  }
}

std::size_t JpegDecoder::read_rows(std::uint8_t* rows, std::size_t n) {
  Codec& codec = *codec_;
  const std::size_t stride = std::size_t{3} * codec.size.width;
  const JDIMENSION left = codec.info.output_height - codec.info.output_scanline;
  const auto wanted = static_cast<JDIMENSION>(std::min<std::size_t>(n, left));
  JDIMENSION got = 0;
  codec.guarded([&] {
    if (codec.info.out_color_space == JCS_RGB) {
      got = codec.read_lines(rows, stride, wanted);
      return;
    }
    while (got < wanted && codec.read_lines(codec.cmyk.data(), 0, 1) == 1) {
      cmyk_to_rgb(codec.cmyk.data(), rows + got * stride, codec.size.width);
      ++got;
    }
  });
  if (got < wanted) {
    codec.fail("JPEG ends early: expected " + std::to_string(codec.size.height) + " rows, found " +
               std::to_string(codec.info.output_scanline));
  }
  return got;
}

void JpegDecoder::finish() {
  Codec& codec = *codec_;
  codec.last_block = true;
  // A missing end marker is no error once all rows are there.
  codec.guarded([&] { jpeg_finish_decompress(&codec.info); });
  jpeg_destroy_decompress(&codec.info);
}

void decode_all(JpegDecoder& decoder, std::uint8_t* pixels) {
  decoder.start();
  decoder.read_rows(pixels, decoder.size().height);
  decoder.finish();
}

}  // namespace fastbatch
