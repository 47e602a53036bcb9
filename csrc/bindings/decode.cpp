// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "decode/array_decoder.h"
#include "decode/image_decoder.h"

namespace fastbatch::bindings {

namespace {

DType dtype_of(const py::dtype& dtype) { return parse_descr(dtype.attr("str").cast<std::string>(), Where{}).dtype; }

// How one column is converted: (dtype, channels, channels_first_in, channels_first_out, scale, shift).
kernels::Conversion make_conversion(const py::dtype& dtype, std::size_t channels, bool from_first, bool to_first,
                                    std::vector<double> scale, std::vector<double> shift) {
  const auto place = [](bool first) { return first ? kernels::Channels::kFirst : kernels::Channels::kLast; };
  return {.dst = dtype_of(dtype),
          .from = place(from_first),
          .to = place(to_first),
          .channels = channels,
          .scale = std::move(scale),
          .shift = std::move(shift)};
}

Filter filter_named(const std::string& name) {
  if (name == "nearest") return Filter::kNearest;
  if (name == "box") return Filter::kBox;
  if (name == "bilinear") return Filter::kBilinear;
  if (name == "hamming") return Filter::kHamming;
  if (name == "bicubic") return Filter::kBicubic;
  if (name == "lanczos") return Filter::kLanczos;
  throw std::invalid_argument("filter: found " + name);
}

Crop crop_named(const std::string& name) {
  if (name == "none") return Crop::kNone;
  if (name == "center") return Crop::kCenter;
  throw std::invalid_argument("crop: found " + name);
}

// The bytes of one sample as they would stand in a batch.
py::bytes decode_row(const ArrayDecoder& decoder, std::uint64_t index) {
  if (index >= decoder.size()) throw py::index_error();
  std::string row(decoder.slot_bytes(), '\0');
  std::size_t failed_at = 0;
  decoder.decode({&index, 1}, {}, reinterpret_cast<std::byte*>(row.data()), *decoder.workspace(), failed_at);
  return row;
}

}  // namespace

void register_decode(py::module_& module) {
  py::class_<kernels::Conversion>(module, "Conversion")
      .def(py::init(&make_conversion), py::arg("dtype"), py::arg("channels") = 1, py::arg("from_first") = false,
           py::arg("to_first") = false, py::arg("scale") = std::vector<double>{},
           py::arg("shift") = std::vector<double>{});

  py::class_<Decoder, std::shared_ptr<Decoder>>(module, "Decoder");

  py::class_<ArrayDecoder, Decoder, std::shared_ptr<ArrayDecoder>>(module, "ArrayDecoder")
      .def(py::init([](const ArrayView& view, std::optional<kernels::Conversion> conversion) {
        return std::make_shared<ArrayDecoder>(view, std::move(conversion));
      }))
      .def(py::init([](const py::array& array, std::optional<kernels::Conversion> conversion) {
             return std::make_shared<ArrayDecoder>(borrow(array), std::move(conversion));
           }),
           py::keep_alive<1, 2>())
      .def("row", &decode_row, py::arg("index"))
      .def("expect_random_access", &ArrayDecoder::expect_random_access);

  py::class_<ImageDecoder, Decoder, std::shared_ptr<ImageDecoder>>(module, "ImageDecoder")
      .def(py::init([](std::shared_ptr<FileList> files, std::size_t height, std::size_t width, const std::string& crop,
                       std::size_t resize, const std::string& filter, bool flip, kernels::Conversion conversion) {
        return std::make_shared<ImageDecoder>(std::move(files), ImageOptions{.height = height,
                                                                             .width = width,
                                                                             .crop = crop_named(crop),
                                                                             .resize = resize,
                                                                             .filter = filter_named(filter),
                                                                             .flip = flip,
                                                                             .conversion = std::move(conversion)});
      }));
}

}  // namespace fastbatch::bindings
