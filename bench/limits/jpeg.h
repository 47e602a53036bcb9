// SPDX-License-Identifier: MIT
// Limit of decoding a folder of JPEG files with libjpeg-turbo: each file is opened, read with one pread and decoded to
// RGB into the thread's own buffer; nothing is resized, cast or collected.
#pragma once

#include <cstdio>  // jpeglib.h wants FILE and size_t declared

#include <jpeglib.h>

#include <filesystem>

#include "common.h"

namespace limits {

// One thread's codec and memory.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) {
      char text[JMSG_LENGTH_MAX];
      info->err->format_message(info, text);
      throw std::runtime_error(text);
    };
    jpeg_create_decompress(&info_);
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  void read(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(path);
    struct stat about{};
    if (::fstat(fd, &about) != 0) fail(path);
    bytes_.resize(static_cast<std::size_t>(about.st_size));
    if (::pread(fd, bytes_.data(), bytes_.size(), 0) != about.st_size) fail(path);
    ::close(fd);
  }

  // `part` < 1 decodes only the centre: that fraction of the width and of the height.
  void decode(double part) {
    jpeg_mem_src(&info_, bytes_.data(), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    info_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info_);
    const JDIMENSION height = info_.output_height;
    JDIMENSION width = static_cast<JDIMENSION>(part * info_.output_width);
    JDIMENSION x = (info_.output_width - width) / 2;
    JDIMENSION y = 0, stop = height;
    if (part < 1) {
      jpeg_crop_scanline(&info_, &x, &width);
      y = static_cast<JDIMENSION>((1 - part) / 2 * height);
      stop = y + static_cast<JDIMENSION>(part * height);
      jpeg_skip_scanlines(&info_, y);
    }
    const std::size_t stride = std::size_t{info_.output_width} * 3;
    pixels_.resize(stride * (stop - y));
    while (info_.output_scanline < stop) {
      JSAMPROW row = pixels_.data() + (info_.output_scanline - y) * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    stop < height ? jpeg_abort_decompress(&info_) : static_cast<void>(jpeg_finish_decompress(&info_));
  }

 private:
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  std::vector<std::uint8_t> bytes_, pixels_;
};

class Jpeg : public Limit {
 public:
  explicit Jpeg(const Options& options)
      : threads_(options.number("threads")), part_(std::stod(options.text("part", "1"))), readers_(threads_) {
    const std::string root = options.text("folder");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() == ".jpg" || entry.path().extension() == ".jpeg") paths_.push_back(entry.path());
    }
    if (paths_.empty()) throw std::invalid_argument(root + ": no .jpg in it");
    std::sort(paths_.begin(), paths_.end());
  }
  void prepare() override { std::shuffle(paths_.begin(), paths_.end(), random_); }
  std::size_t epoch() override {
    share(paths_.size(), threads_, [&](std::size_t i, std::size_t thread) {
      readers_[thread].read(paths_[i]);
      readers_[thread].decode(part_);
    });
    return paths_.size();
  }

 private:
  std::size_t threads_;
  double part_;
  std::vector<JpegReader> readers_;
  std::vector<std::string> paths_;
  std::mt19937_64 random_{1};
};

}  // namespace limits
