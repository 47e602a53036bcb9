// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/gil.h"
#include "bindings/names.h"
#include "bindings/ndarray.h"
#include "bindings/pillow.h"
#include "bindings/register.h"
#include "decode/array_decoder.h"
#include "decode/concat_decoder.h"
#include "decode/image_decoder.h"
#include "decode/mask_decoder.h"
#include "decode/matrix_decoder.h"
#include "decode/transform_decoder.h"
#include "image/geometry.h"

namespace fastbatch::bindings {

namespace {

DType dtype_of(const py::dtype& dtype) { return parse_descr(dtype.attr("str").cast<std::string>(), Where{}).dtype; }

// The conversion of a column: (dtype, channels, channels_first_in, channels_first_out, scale, shift).
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

Crop crop_named(const std::string& name) {
  if (name == "none" || name == "stretch") return Crop::kNone;
  if (name == "center") return Crop::kCenter;
  if (name == "random") return Crop::kRandom;
  if (name == "random_resized") return Crop::kRandomResized;
  if (name == "pad") return Crop::kPad;
  throw std::invalid_argument("crop: found " + name);
}

ColorMode color_named(const std::string& name) {
  if (name == "rgb") return ColorMode::kRgb;
  if (name == "rgba") return ColorMode::kRgba;
  if (name == "grayscale") return ColorMode::kGray;
  if (name == "grayscale16") return ColorMode::kGray16;
  if (name == "index") return ColorMode::kIndex;
  throw std::invalid_argument("color: found " + name);
}

ImageOptions make_image_options(const kernels::Conversion& conversion, std::size_t height, std::size_t width,
                                const std::string& crop, std::size_t resize, std::array<double, 2> area,
                                std::array<double, 2> ratio, const std::string& filter, bool flip, bool vertical_flip,
                                const std::string& color, bool apply_exif, bool exact, bool dct_scale,
                                const std::vector<std::uint8_t>& pad_value, std::uint64_t max_pixels,
                                std::shared_ptr<Augmentation> augmentation, std::size_t seek_index_bytes,
                                std::optional<kernels::Conversion> deep, std::optional<kernels::Conversion> floats,
                                bool clips, std::size_t stored_channels, bool fills,
                                std::optional<kernels::Conversion> ints, std::optional<kernels::Conversion> uints,
                                std::string_view pad_element) {
  ImageOptions options;
  options.height = height;
  options.width = width;
  options.crop = crop_named(crop);
  options.resize = resize;
  options.area = area;
  options.ratio = ratio;
  options.filter = filter_named(filter);
  options.flip = flip;
  options.vertical_flip = vertical_flip;
  options.color = color_named(color);
  options.apply_exif = apply_exif;
  options.exact = exact;
  options.dct_scale = dct_scale;
  if (pad_value.size() > options.pad_value.size()) throw std::invalid_argument("pad_value: more than 4 channels");
  for (std::size_t i = 0; i < pad_value.size(); ++i) options.pad_value[i] = pad_value[i];
  options.conversion = conversion;
  options.max_pixels = max_pixels;
  options.augmentation = std::move(augmentation);
  options.seek_index_bytes = seek_index_bytes;
  options.deep = std::move(deep);
  options.floats = std::move(floats);
  options.clips = clips;
  options.stored_channels = stored_channels;
  options.fills = fills;
  options.ints = std::move(ints);
  options.uints = std::move(uints);
  const auto* const element = reinterpret_cast<const std::byte*>(pad_element.data());
  options.pad_element.assign(element, element + pad_element.size());
  return options;
}

// (source, scaled, wanted, left, top) of a crop; windows are (x, y, width, height).
py::tuple crop_of(const ImageOptions& options, std::uint32_t width, std::uint32_t height, std::uint64_t seed,
                  std::uint64_t epoch, std::uint64_t index) {
  check_crop(options);
  if (width == 0 || height == 0) throw std::invalid_argument("an image has at least one pixel");
  const CropPlan plan = plan_crop({width, height}, options, Stream(seed, epoch, index, Operation::kCrop));
  const auto box = [](const Window& window) { return py::make_tuple(window.x, window.y, window.width, window.height); };
  return py::make_tuple(box(plan.source), py::make_tuple(plan.scaled.width, plan.scaled.height), box(plan.wanted),
                        plan.left, plan.top);
}

MakeImageReader external_if(bool with_pillow, const ImageOptions& options) {
  if (!with_pillow) return {};
  return make_pillow_reader(options.deep.has_value(), options.stored_channels != 0);
}

// The bytes of one sample's slot.
py::bytes decode_row(const Decoder& decoder, std::uint64_t index) {
  if (index >= decoder.size()) throw py::index_error();
  std::string row(decoder.slot_bytes(), '\0');
  std::size_t failed_at = 0;
  {
    const GilRelease no_gil;  // GIL released: the row's chunk may be read by Python, in another thread
    decoder.decode({&index, 1}, {}, reinterpret_cast<std::byte*>(row.data()), *decoder.workspace(), failed_at);
  }
  return row;
}

}  // namespace

void register_decode(py::module_& module) {
  py::class_<kernels::Conversion>(module, "Conversion")
      .def(py::init(&make_conversion), py::arg("dtype"), py::arg("channels") = 1, py::arg("from_first") = false,
           py::arg("to_first") = false, py::arg("scale") = std::vector<double>{},
           py::arg("shift") = std::vector<double>{});

  py::class_<Decoder, std::shared_ptr<Decoder>>(module, "Decoder").def("row", &decode_row, py::arg("index"));

  py::class_<ArrayDecoder, Decoder, std::shared_ptr<ArrayDecoder>>(module, "ArrayDecoder")
      .def(py::init([](const ArrayView& view, std::optional<kernels::Conversion> conversion,
                       std::shared_ptr<Pieces> pieces) {
             return std::make_shared<ArrayDecoder>(view, std::move(conversion), std::move(pieces));
           }),
           py::arg("data"), py::arg("conversion"), py::arg("pieces") = py::none())
      .def(py::init([](const py::array& array, std::optional<kernels::Conversion> conversion,
                       std::shared_ptr<Pieces> pieces) {
             return std::make_shared<ArrayDecoder>(borrow(array), std::move(conversion), std::move(pieces));
           }),
           py::keep_alive<1, 2>(), py::arg("data"), py::arg("conversion"), py::arg("pieces") = py::none())
      .def("standardize_samples", &ArrayDecoder::standardize_samples)
      .def("expect_random_access", &ArrayDecoder::expect_random_access);

  const ImageOptions standard;
  py::class_<ImageOptions>(module, "ImageOptions")
      .def(py::init(&make_image_options), py::arg("conversion"), py::kw_only(), py::arg("height"), py::arg("width"),
           py::arg("crop") = "none", py::arg("resize") = 0, py::arg("area") = standard.area,
           py::arg("ratio") = standard.ratio, py::arg("filter") = "bilinear", py::arg("flip") = false,
           py::arg("vertical_flip") = false, py::arg("color") = "rgb", py::arg("apply_exif") = false,
           py::arg("exact") = true, py::arg("dct_scale") = true, py::arg("pad_value") = std::vector<std::uint8_t>{},
           py::arg("max_pixels") = standard.max_pixels, py::arg("augmentation") = nullptr,
           py::arg("seek_index_bytes") = 0, py::arg("deep") = py::none(), py::arg("floats") = py::none(),
           py::arg("clips") = true, py::arg("stored_channels") = 0, py::arg("fills") = false,
           py::arg("ints") = py::none(), py::arg("uints") = py::none(), py::arg("pad_element") = py::bytes())
      .def("crop", &crop_of, py::arg("width"), py::arg("height"), py::arg("seed"), py::arg("epoch"), py::arg("index"));

  py::class_<ConcatDecoder, Decoder, std::shared_ptr<ConcatDecoder>>(module, "ConcatDecoder")
      .def(py::init([](const std::vector<std::shared_ptr<ArrayDecoder>>& parts, std::size_t outer) {
             return std::make_shared<ConcatDecoder>(ConcatDecoder::Parts(parts.begin(), parts.end()), outer);
           }),
           py::keep_alive<1, 2>());

  // Function and user_data are addresses; `owners` is the object that keeps them valid.
  py::class_<TransformDecoder, Decoder, std::shared_ptr<TransformDecoder>>(module, "TransformDecoder")
      .def(py::init([](std::shared_ptr<Decoder> inner, std::uint64_t itemsize, char type,
                       std::vector<std::int64_t> shape, std::uintptr_t function, std::uintptr_t user_data,
                       const py::object& /*owners*/) {
             return std::make_shared<TransformDecoder>(
                 std::move(inner), TransformDecoder::Slot{itemsize, type, std::move(shape)},
                 reinterpret_cast<fastbatch_transform>(function), reinterpret_cast<void*>(user_data));
           }),
           py::keep_alive<1, 2>(), py::keep_alive<1, 8>());

  py::class_<ImageDecoder, Decoder, std::shared_ptr<ImageDecoder>>(module, "ImageDecoder")
      .def(py::init([](std::shared_ptr<SampleSource> source, const ImageOptions& options, bool with_pillow) {
        return std::make_shared<ImageDecoder>(std::move(source), options, external_if(with_pillow, options));
      }))
      .def_property_readonly("through_pillow", &ImageDecoder::n_external)
      .def_property_readonly("jpeg_own", &ImageDecoder::n_jpeg_own)
      .def_property_readonly("jpeg_library", &ImageDecoder::n_jpeg_library)
      .def_property_readonly("jpeg_indexed", &ImageDecoder::n_jpeg_indexed);

  py::class_<MatrixDecoder, Decoder, std::shared_ptr<MatrixDecoder>>(module, "MatrixDecoder")
      .def(py::init([](std::shared_ptr<SampleSource> images, const ImageOptions& options, bool with_pillow) {
        return std::make_shared<MatrixDecoder>(std::move(images), options, external_if(with_pillow, options));
      }));

  py::class_<MaskDecoder, Decoder, std::shared_ptr<MaskDecoder>>(module, "MaskDecoder")
      .def(py::init([](std::shared_ptr<SampleSource> images, std::shared_ptr<SampleSource> masks,
                       const ImageOptions& options, bool with_pillow) {
        return std::make_shared<MaskDecoder>(std::move(images), std::move(masks), options,
                                             external_if(with_pillow, options),
                                             with_pillow ? make_pillow_reader(true, false, true) : MakeImageReader{});
      }))
      .def_property_readonly("jpeg_own", &MaskDecoder::n_jpeg_own)
      .def_property_readonly("jpeg_library", &MaskDecoder::n_jpeg_library);
}

}  // namespace fastbatch::bindings
