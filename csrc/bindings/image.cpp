// SPDX-License-Identifier: MIT
// Single images: fb.decode, fb.resize, fb.probe, fb.verify.
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/names.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "codecs/file_reader.h"
#include "codecs/jpeg/reader.h"
#include "codecs/probe.h"
#include "codecs/registry.h"
#include "codecs/verify.h"
#include "codecs/versions.h"
#include "image/resize_array.h"
#include "source/file_list.h"

namespace fastbatch::bindings {

namespace {

constexpr std::size_t kRowsAtOnce = 256;  // between two questions whether to stop

py::array new_image(ImageSize size, ColorMode mode) {
  const py::dtype dtype = mode == ColorMode::kGray16 ? py::dtype::of<std::uint16_t>() : py::dtype::of<std::uint8_t>();
  std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(size.height), static_cast<py::ssize_t>(size.width)};
  if (channels_of(mode) > 1) shape.push_back(static_cast<py::ssize_t>(channels_of(mode)));
  return py::array(dtype, std::move(shape));
}

// (pixels, the file's mode, orientation), or a text: why only Pillow may know the format, the kind or the mode.
py::object decode_image(std::span<const std::byte> file, const std::string& mode_name, std::uint64_t max_pixels) {
  ImageFileReader reader;
  ImageInfo info;
  std::optional<ColorMode> mode;
  std::string reason;
  {
    const GilRelease release;  // parses the header, touches no Python object
    try {
      info = reader.read_header(file, max_pixels);
      mode = color_mode_named(mode_name.empty() ? info.mode : mode_name, info.mode);
      reason = wrong_mode_text(info.mode);
    } catch (const UnsupportedError& error) {
      reason = error.message();
    }
  }
  if (!mode) return decode_text(reason);
  py::array pixels = new_image(info.size, *mode);
  auto* rows = static_cast<std::uint8_t*>(pixels.mutable_data());
  try {
    interruptible_here([&] {  // decodes into memory that nobody else knows yet
      reader.start(*mode, {});
      const std::size_t row_bytes = info.size.width * pixel_bytes_of(*mode);
      for (std::size_t y = 0; y < info.size.height;) {
        throw_if_stopped();
        const std::size_t n = reader.read_rows(rows + y * row_bytes, kRowsAtOnce);
        if (n == 0) break;
        y += n;
      }
      reader.finish();
    });
  } catch (const UnsupportedError& error) {
    return decode_text(error.message());
  }
  return py::make_tuple(std::move(pixels), std::string(info.mode), info.orientation);
}

py::object decode_bytes(const py::buffer& buffer, const std::string& mode, std::uint64_t max_pixels) {
  const py::buffer_info view = buffer.request();
  const auto size = static_cast<std::size_t>(view.size * view.itemsize);
  return decode_image({static_cast<const std::byte*>(view.ptr), size}, mode, max_pixels);
}

py::object decode_file(const py::bytes& path, const std::string& mode, std::uint64_t max_pixels) {
  ReadBuffer buffer;
  std::span<const std::byte> file;
  const auto name = path.cast<std::string>();
  {
    const GilRelease release;  // reads the file
    file = read_file(name, buffer);
  }
  return decode_image(file, mode, max_pixels);
}

// `array` is dense, (height, width) or (height, width, channels); box is (left, top, right, bottom).
py::array resize(const py::array& array, std::size_t height, std::size_t width, const std::string& filter,
                 std::optional<std::tuple<double, double, double, double>> box) {
  ResizeSpec spec;
  spec.in_height = static_cast<std::size_t>(array.shape(0));
  spec.in_width = static_cast<std::size_t>(array.shape(1));
  spec.channels = array.ndim() == 3 ? static_cast<std::size_t>(array.shape(2)) : 1;
  spec.out_height = height;
  spec.out_width = width;
  spec.filter = filter_named(filter);
  if (box) spec.box = Box{std::get<0>(*box), std::get<1>(*box), std::get<2>(*box), std::get<3>(*box)};
  std::vector<py::ssize_t> shape(array.shape(), array.shape() + array.ndim());
  shape[0] = static_cast<py::ssize_t>(height);
  shape[1] = static_cast<py::ssize_t>(width);
  py::array resized(array.dtype(), shape);
  const ArrayView source = borrow(array);
  auto* dst = static_cast<std::byte*>(resized.mutable_data());
  {
    const GilRelease release;  // reads the caller's array, which the caller holds, and writes into a new one
    resize_array(spec, source.dtype, source.data, dst);
  }
  return resized;
}

// (name, extensions, scales) of each codec.
py::list codec_table() {
  py::list rows;
  for (const Codec& codec : codecs()) {
    const py::str extensions(std::string(codec.extensions));
    rows.append(py::make_tuple(std::string(codec.name), extensions.attr("split")(), codec.scales));
  }
  return rows;
}

// (width, height, format, mode, orientation, error or None, whether only Pillow may know) of each.
py::list probe(const SampleSource& source, std::uint64_t first, std::size_t n, std::size_t threads,
               std::uint64_t max_pixels) {
  const std::vector<ProbedImage> probed =
      interruptible([&](const StopSignal& stop) { return probe_images(source, first, n, threads, max_pixels, stop); });
  py::list rows;
  for (const ProbedImage& one : probed) {
    const py::object error = one.error.empty() ? py::object(py::none()) : decode_text(one.error);
    const std::string format(one.info.codec != nullptr ? one.info.codec->name : "");
    rows.append(py::make_tuple(one.info.size.width, one.info.size.height, format, std::string(one.info.mode),
                               one.info.orientation, error, one.is_unsupported));
  }
  return rows;
}

// (bytes, error or None, errno or 0, whether only Pillow may know) of each.
py::list verify(const SampleSource& source, std::uint64_t first, std::size_t n, std::size_t threads,
                std::uint64_t max_pixels) {
  const std::vector<VerifiedImage> verified =
      interruptible([&](const StopSignal& stop) { return verify_images(source, first, n, threads, max_pixels, stop); });
  py::list rows;
  for (const VerifiedImage& one : verified) {
    const py::object error = one.error.empty() ? py::object(py::none()) : decode_text(one.error);
    rows.append(py::make_tuple(one.n_bytes, error, one.system_error, one.is_unsupported));
  }
  return rows;
}

}  // namespace

void register_image(py::module_& module) {
  module.def("codecs", &codec_table);
  module.def("library_versions", &library_versions);
  module.def("compiler_version", [] { return std::string(__VERSION__); });  // of GCC and Clang
  module.def("name_format", [](const py::bytes& file) {
    const auto bytes = file.cast<std::string_view>();
    return name_format({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
  });
  module.def("decode_bytes", &decode_bytes, py::arg("data"), py::arg("mode"), py::arg("max_pixels"));
  module.def("decode_file", &decode_file, py::arg("path"), py::arg("mode"), py::arg("max_pixels"));
  module.def("resize_array", &resize, py::arg("array"), py::arg("height"), py::arg("width"), py::arg("filter"),
             py::arg("box"));
  module.def("probe_images", &probe, py::arg("source"), py::arg("first"), py::arg("n"), py::arg("threads"),
             py::arg("max_pixels") = kMaxPixels);
  module.def("verify_images", &verify, py::arg("source"), py::arg("first"), py::arg("n"), py::arg("threads"),
             py::arg("max_pixels"));
}

}  // namespace fastbatch::bindings
