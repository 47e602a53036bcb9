// SPDX-License-Identifier: MIT
#include "codecs/jpeg/reader.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "codecs/jpeg/decoder.h"
#include "codecs/jpeg/segments.h"
#include "codecs/registry.h"

namespace fastbatch {
namespace {

constexpr std::size_t kWideRows = 16;  // read together

bool is_turned_off() {
  const char* const choice = std::getenv("FASTBATCH_JPEG");  // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile
  return choice != nullptr && std::string_view(choice) == "turbo";
}

}  // namespace

bool is_jpeg(std::span<const std::byte> file) noexcept { return text_of(file).starts_with("\xFF\xD8\xFF"); }

JpegReader::JpegReader() : own_(is_turned_off() ? nullptr : std::make_unique<jpeg::Decoder>()) {}
JpegReader::JpegReader(JpegReader&&) noexcept = default;
JpegReader& JpegReader::operator=(JpegReader&&) noexcept = default;
JpegReader::~JpegReader() = default;

void JpegReader::use_index(const std::shared_ptr<JpegSeekIndex>& index) {
  index_ = index;
  if (own_) own_->use_index(index_.get());
}

ImageInfo JpegReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  check_format(is_jpeg(file), "JPEG", file);
  file_ = file;
  max_pixels_ = max_pixels;
  n_delivered_ = 0;
  is_started_ = false;
  is_own_ = own_ && own_->open(file) && own_->frame().size.pixels() <= max_pixels;
  if (is_own_) {
    const JpegSegments segments = read_jpeg_segments(file);
    is_own_ = segments.oddity == nullptr;
    if (is_own_) {
      turbo_.close();
      const unsigned n = own_->frame().n_components;
      return {.size = own_->frame().size,
              .mode = n == 1   ? "L"
                      : n == 3 ? "RGB"
                               : "CMYK",
              .orientation = segments.orientation(),
              .is_opaque = true};
    }
  }
  return turbo_.read_header(file, max_pixels);
}

ImageRows JpegReader::start(ColorMode mode, const ImagePart& part) {
  if (mode == ColorMode::kIndex || mode == ColorMode::kGrayAlpha) {
    is_own_ = false;
    turbo_.close();
    throw DecodeError({}, "a JPEG has neither a palette nor an alpha: expected another colour mode");
  }
  if (is_own_ && !is_started_) {
    if (const auto rows = own_->start(mode, part)) {
      is_started_ = true;
      mode_ = mode;
      part_ = part;
      window_ = rows->window;
      return *rows;
    }
  }
  if (is_own_) {
    is_own_ = false;
    turbo_.read_header(file_, max_pixels_);
  }
  const ImageRows rows = turbo_.start(mode, part);
  window_ = turbo_window_ = rows.window;
  return rows;
}

void JpegReader::fall_back() {
  is_own_ = false;
  turbo_.read_header(file_, max_pixels_);
  if (!is_started_) return;
  turbo_window_ = turbo_.start(mode_, part_).window;
  wide_rows_.resize(turbo_window_.width * pixel_bytes_of(mode_) * kWideRows);
  for (std::size_t left = n_delivered_; left > 0;) {
    left -= turbo_.read_rows(wide_rows_.data(), std::min(left, kWideRows));
  }
}

std::size_t JpegReader::read_rows(std::uint8_t* rows, std::size_t n) {
  std::size_t got = 0;
  if (is_own_ && is_started_) {
    const bool is_complete = own_->read_rows(rows, n, got);
    n_delivered_ += got;
    if (is_complete) return got;
    fall_back();
  }
  return got + read_turbo_rows(rows + got * window_.width * pixel_bytes_of(mode_), n - got);
}

std::size_t JpegReader::read_turbo_rows(std::uint8_t* rows, std::size_t n) {
  if (turbo_window_ == window_) return turbo_.read_rows(rows, n);
  const std::size_t bytes = pixel_bytes_of(mode_);
  std::size_t got = 0;
  while (got < n) {
    const std::size_t some = turbo_.read_rows(wide_rows_.data(), std::min(n - got, kWideRows));
    if (some == 0) break;
    for (std::size_t i = 0; i < some; ++i) {
      const std::uint8_t* const wide = wide_rows_.data() + i * turbo_window_.width * bytes;
      std::memcpy(rows + (got + i) * window_.width * bytes, wide + (window_.x - turbo_window_.x) * bytes,
                  window_.width * bytes);
    }
    got += some;
  }
  return got;
}

void JpegReader::check(ColorMode mode) {
  const bool has_colors = mode == ColorMode::kRgb || mode == ColorMode::kRgba || mode == ColorMode::kGray;
  if (!is_own_ || !has_colors) return ImageReader::check(mode);
  if (own_->check(mode)) return;
  fall_back();
  turbo_.check(mode);
}

void JpegReader::finish() {
  if (is_own_ && is_started_ && own_->finish()) {
    is_started_ = false;
    return;
  }
  if (is_own_) fall_back();
  turbo_.finish();
}

}  // namespace fastbatch
