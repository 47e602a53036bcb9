// SPDX-License-Identifier: MIT
// Limit of decoding a folder of JPEG files with libjpeg-turbo: each file is opened, read with one pread and decoded to
// RGB into the thread's own buffer; nothing is resized, cast or collected. `--part 0.5` decodes only that share of
// the width and height, in the middle; `--crop random` a box drawn anew each time, as torchvision's RandomResizedCrop.
#pragma once

#include <cstdio>  // jpeglib.h wants FILE and size_t declared

#include <jpeglib.h>

#include <cmath>
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

  // Only the box, which is in pixels of an image of this size.
  struct Box {
    JDIMENSION x, y, width, height;
  };
  template <typename Draw>
  void decode(const Draw& draw) {
    jpeg_mem_src(&info_, bytes_.data(), bytes_.size());
    jpeg_read_header(&info_, TRUE);
    info_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info_);
    const JDIMENSION height = info_.output_height;
    Box box = draw(info_.output_width, height);
    if (box.width < info_.output_width) jpeg_crop_scanline(&info_, &box.x, &box.width);
    if (box.y > 0) jpeg_skip_scanlines(&info_, box.y);
    const JDIMENSION y = box.y, stop = box.y + box.height;
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

// torchvision's rule: area and shape are drawn until such a box fits; else the middle.
inline JpegReader::Box draw_box(JDIMENSION width, JDIMENSION height, std::mt19937_64& random) {
  std::uniform_real_distribution<double> area(0.08, 1.0), log_ratio(std::log(3.0 / 4), std::log(4.0 / 3));
  for (int i = 0; i < 10; ++i) {
    const double pixels = area(random) * width * height, ratio = std::exp(log_ratio(random));
    const auto w = static_cast<JDIMENSION>(std::lround(std::sqrt(pixels * ratio)));
    const auto h = static_cast<JDIMENSION>(std::lround(std::sqrt(pixels / ratio)));
    if (w == 0 || h == 0 || w > width || h > height) continue;
    return {static_cast<JDIMENSION>(random() % (width - w + 1)), static_cast<JDIMENSION>(random() % (height - h + 1)),
            w, h};
  }
  const JDIMENSION side = std::min(width, height);
  return {(width - side) / 2, (height - side) / 2, side, side};
}

class Jpeg : public Limit {
 public:
  explicit Jpeg(const Options& options)
      : threads_(options.number("threads")),
        part_(std::stod(options.text("part", "1"))),
        draws_(options.text("crop", "none") == "random"),
        readers_(threads_) {
    for (std::size_t i = 0; i < threads_; ++i) boxes_.emplace_back(i);
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
      readers_[thread].decode([&](JDIMENSION width, JDIMENSION height) -> JpegReader::Box {
        if (draws_) return draw_box(width, height, boxes_[thread]);
        const auto w = static_cast<JDIMENSION>(part_ * width), h = static_cast<JDIMENSION>(part_ * height);
        return {(width - w) / 2, (height - h) / 2, w, h};
      });
    });
    return paths_.size();
  }

 private:
  std::size_t threads_;
  double part_;
  bool draws_;
  std::vector<JpegReader> readers_;
  std::vector<std::mt19937_64> boxes_;  // what each thread draws its boxes with
  std::vector<std::string> paths_;
  std::mt19937_64 random_{1};
};

}  // namespace limits
