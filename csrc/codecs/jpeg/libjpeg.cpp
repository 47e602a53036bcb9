// SPDX-License-Identifier: MIT
#include "codecs/jpeg/libjpeg.h"

#include <algorithm>

namespace fastbatch {
namespace {

// Pillow passes the file to libjpeg in blocks of this size, and reads no further block after the last row. The same
// steps give the same result for files that are damaged after the pixels.
constexpr std::size_t kBlock = 65536;
// A progressive file may ask for any number of passes over the image with a few bytes each. Encoders make about ten;
// the format has use for some 200 of an image with four components: each coefficient bit by bit.
constexpr int kMaxScans = 100;
constexpr std::size_t kRowsPerCall = 16;

}  // namespace

JpegCodec::JpegCodec() {
  info.err = jpeg_std_error(&errors_);
  info.client_data = this;
  errors_.error_exit = on_error;
  errors_.emit_message = [](j_common_ptr, int) {};  // Pillow ignores warnings too.
  source_.init_source = [](j_decompress_ptr) {};
  source_.fill_input_buffer = next_block;
  source_.skip_input_data = skip;
  source_.resync_to_restart = jpeg_resync_to_restart;
  source_.term_source = [](j_decompress_ptr) {};
  progress_.progress_monitor = on_progress;
}

void JpegCodec::on_error(j_common_ptr common) {
  JpegCodec& codec = of(common);
  (*common->err->format_message)(common, codec.message_.data());
  std::longjmp(codec.escape_, 1);
}

void JpegCodec::on_progress(j_common_ptr common) {
  JpegCodec& codec = of(common);
  codec.stopped_ = is_stopped();
  if (codec.stopped_) std::longjmp(codec.escape_, 1);
  if (codec.info.input_scan_number <= kMaxScans) return;
  std::snprintf(codec.message_.data(), codec.message_.size(), "expected at most %d scans, found more", kMaxScans);
  std::longjmp(codec.escape_, 1);
}

boolean JpegCodec::next_block(j_decompress_ptr decompress) {
  JpegCodec& codec = of(decompress);
  if (codec.last_block_ || codec.block_end_ == codec.file_end_) return FALSE;
  const auto n = std::min(kBlock, static_cast<std::size_t>(codec.file_end_ - codec.block_end_));
  codec.source_.next_input_byte = codec.block_end_;
  codec.source_.bytes_in_buffer = n;
  codec.block_end_ += n;
  return TRUE;
}

void JpegCodec::skip(j_decompress_ptr decompress, long n) {
  if (n <= 0) return;
  JpegCodec& codec = of(decompress);
  auto left = static_cast<std::size_t>(n);
  while (left > codec.source_.bytes_in_buffer) {
    left -= codec.source_.bytes_in_buffer;
    codec.source_.next_input_byte += codec.source_.bytes_in_buffer;
    codec.source_.bytes_in_buffer = 0;
    if (next_block(decompress) == FALSE) return;
  }
  codec.source_.next_input_byte += left;
  codec.source_.bytes_in_buffer -= left;
}

void JpegCodec::fail(const std::string& text) {
  close();
  throw DecodeError({}, text);
}

// A new libjpeg object for every image, which costs a few microseconds: otherwise the tables of the previous image
// would replace missing ones, and the pixels would depend on the order of the files.
void JpegCodec::open(std::span<const std::byte> file) {
  close();
  block_end_ = reinterpret_cast<const JOCTET*>(file.data());
  file_end_ = block_end_ + file.size();
  last_block_ = false;
  errors_.msg_code = 0;
  guarded([this] {
    jpeg_create_decompress(&info);
    info.src = &source_;
    info.progress = &progress_;
    source_.bytes_in_buffer = 0;
    next_block(&info);
  });
}

JDIMENSION JpegCodec::read_lines(JSAMPLE* lines, std::size_t stride, JDIMENSION n) {
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

}  // namespace fastbatch
