// SPDX-License-Identifier: MIT
// A C++ wrapper of libjpeg: input from memory, errors as exceptions, no state shared between images.
// Only files of this folder include it.
#pragma once

// In this order: jpeglib.h needs FILE, and the error numbers of jerror.h depend on the version in jpeglib.h.
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "common/error.h"
#include "common/stop.h"

namespace fastbatch {

// One decompressor. Threads: one at a time. Not movable: callbacks get its address by `client_data`.
class JpegCodec {
 public:
  jpeg_decompress_struct info{};

  JpegCodec();
  ~JpegCodec() { close(); }
  JpegCodec(const JpegCodec&) = delete;
  JpegCodec& operator=(const JpegCodec&) = delete;

  void open(std::span<const std::byte> file);
  // Frees all memory.
  void close() { jpeg_destroy_decompress(&info); }
  [[noreturn]] void fail(const std::string& text);  // frees all memory, too
  // libjpeg gets no further blocks of the file.
  void end_input() noexcept { last_block_ = true; }

  // Runs calls into libjpeg, whose errors jump out of `call`: it must own nothing. Throws DecodeError,
  // bad_alloc, StoppedError.
  template <typename Call>
  void guarded(const Call& call) {
    if (returns(call)) return;
    if (std::exchange(stopped_, false)) {
      close();
      throw StoppedError();
    }
    if (errors_.msg_code != JERR_OUT_OF_MEMORY) fail(std::string("broken JPEG: ") + message_.data());
    close();
    throw std::bad_alloc();
  }
  // Reads n lines; fewer if the data ends. Only inside guarded().
  JDIMENSION read_lines(JSAMPLE* lines, std::size_t stride, JDIMENSION n);

 private:
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf escape_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
  const JOCTET* block_end_ = nullptr;  // end of the current block
  const JOCTET* file_end_ = nullptr;
  bool stopped_ = false;     // the work, not the data, ended the decode
  bool last_block_ = false;  // give no block after this one

  template <typename Call>
  [[gnu::noinline]] bool returns(const Call& call) {
    if (setjmp(escape_) != 0) return false;  // NOLINT(cert-err52-cpp): libjpeg has no other way out of an error
    call();
    return true;
  }

  template <typename Info>
  static JpegCodec& of(Info* common) {
    return *static_cast<JpegCodec*>(common->client_data);
  }
  [[noreturn]] static void on_error(j_common_ptr common);
  static void on_progress(j_common_ptr common);
  static boolean next_block(j_decompress_ptr decompress);
  static void skip(j_decompress_ptr decompress, long n);
};

}  // namespace fastbatch
