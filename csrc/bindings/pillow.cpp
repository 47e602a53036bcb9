// SPDX-License-Identifier: MIT
#include "bindings/pillow.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <tuple>

#include "bindings/gil.h"
#include "common/error.h"

namespace fastbatch::bindings {

namespace py = pybind11;

namespace {

const char* name_of(ColorMode mode) {
  switch (mode) {
    case ColorMode::kRgb: return "RGB";
    case ColorMode::kRgba: return "RGBA";
    case ColorMode::kGray: return "L";
    case ColorMode::kGray16: return "I;16";
    case ColorMode::kIndex: return "P";
    case ColorMode::kGrayAlpha: return "LA";
    case ColorMode::kStored: return "stored";
  }
  return "";
}

// Runs `call` with the GIL. Converts Python's exceptions to the core's, which hold no Python objects.
template <typename Call>
void with_python(const Call& call) {
  if (is_finalizing()) throw DecodeError({}, "Python is ending");
  const py::gil_scoped_acquire gil;
  try {
    call(py::module_::import("fastbatch.native.pillow"));
  } catch (py::error_already_set& error) {
    if (error.matches(PyExc_MemoryError)) throw std::bad_alloc();
    const py::str text =
        py::hasattr(error.value(), "message") ? py::str(error.value().attr("message")) : py::str(error.value());
    throw DecodeError({}, text.cast<std::string>());
  }
}

// Holds no Python objects between calls. Threads: one at a time.
class PillowReader final : public ImageReader {
 public:
  PillowReader(bool is_deep, bool is_stored, bool is_mask)
      : is_deep_(is_deep), is_stored_(is_stored), is_mask_(is_mask) {}

  ImageInfo read_header(std::span<const std::byte> file, std::uint64_t max_pixels) override {
    file_ = file;
    max_pixels_ = max_pixels;
    with_python([&](const py::module_& pillow) {
      const auto [width, height, mode, orientation, channels] =
          pillow.attr("header")(content(), max_pixels, is_deep_, is_stored_, fills_, is_mask_)
              .cast<std::tuple<std::uint32_t, std::uint32_t, std::string, std::uint8_t, std::size_t>>();
      mode_ = mode;
      info_ = {.size = {width, height},
               .mode = mode_,
               .orientation = orientation,
               .element = element_of(mode_),
               .channels = channels};
    });
    check_pixels(info_.size, max_pixels);
    return info_;
  }

  ImageRows start(ColorMode mode, const ImagePart& part) override {
    with_python([&](const py::module_& pillow) {
      pixels_ = pillow.attr("pixels")(content(), name_of(mode), max_pixels_, part.is_deep, fills_, is_mask_)
                    .cast<std::string>();
    });
    pixel_bytes_ = pixel_bytes_of(mode);
    if (part.is_deep) {
      pixel_bytes_ = (mode == ColorMode::kStored ? info_.channels : channels_of(mode)) * size_of(info_.element);
    }
    if (pixels_.size() != info_.size.pixels() * pixel_bytes_)
      throw DecodeError({}, "Pillow gave other pixels than asked for");
    const bool all = part.window.width == 0 || part.window.height == 0;
    window_ = all ? Window{0, 0, info_.size.width, info_.size.height} : part.window;
    row_ = window_.y;
    return {info_.size, 1, window_};
  }

  std::size_t read_rows(std::uint8_t* rows, std::size_t n) override {
    const std::size_t wanted = std::min(n, window_.y + window_.height - row_);
    for (std::size_t i = 0; i < wanted; ++i, ++row_, rows += window_.width * pixel_bytes_) {
      std::memcpy(rows, pixels_.data() + (row_ * info_.size.width + window_.x) * pixel_bytes_,
                  window_.width * pixel_bytes_);
    }
    return wanted;
  }

  void finish() override { std::string().swap(pixels_); }
  void fill_truncated(bool fills) override { fills_ = fills; }

 private:
  [[nodiscard]] py::bytes content() const { return {reinterpret_cast<const char*>(file_.data()), file_.size()}; }

  // The channels that fastbatch.native.pillow gives, by its name of the mode.
  [[nodiscard]] DType element_of(std::string_view mode) const {
    if (!is_deep_) return DType::kU8;
    if (mode.starts_with("float")) return DType::kF32;
    if (mode == "int32") return DType::kI32;
    if (mode == "uint32") return DType::kU32;
    return mode.starts_with("uint16") || mode == "I;16" ? DType::kU16 : DType::kU8;
  }

  bool is_deep_;
  bool is_stored_;
  bool is_mask_;
  bool fills_ = false;
  std::span<const std::byte> file_;
  std::uint64_t max_pixels_ = 0;
  ImageInfo info_{};
  std::string mode_;
  std::string pixels_;
  std::size_t pixel_bytes_ = 1;
  Window window_{};
  std::size_t row_ = 0;
};

}  // namespace

MakeImageReader make_pillow_reader(bool is_deep, bool is_stored, bool is_mask) {
  return [=] { return std::make_unique<PillowReader>(is_deep, is_stored, is_mask); };
}

}  // namespace fastbatch::bindings
