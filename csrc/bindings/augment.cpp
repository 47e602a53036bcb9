// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "common/parallel.h"
#include "image/augment.h"
#include "kernels/warp.h"

namespace fastbatch::bindings {

namespace {

kernels::Fill fill_named(const std::string& name) {
  if (name == "nearest") return kernels::Fill::kNearest;
  if (name == "constant") return kernels::Fill::kConstant;
  if (name == "reflect") return kernels::Fill::kReflect;
  if (name == "wrap") return kernels::Fill::kWrap;
  throw std::invalid_argument("mode: expected nearest, constant, reflect or wrap, found " + name);
}

std::size_t length(const py::array& array, py::ssize_t axis) { return static_cast<std::size_t>(array.shape(axis)); }

// images: float32 or uint8, (n, height, width, channels), contiguous. `out`: the same shape in float32, other memory.
py::array warp_batch(const py::array& images, const Doubles& matrices, const Doubles& offsets, int order,
                     const std::string& mode, double cval, std::size_t threads, const std::optional<Flags>& flips,
                     const std::optional<py::array>& out) {
  require(images.ndim() == 4 && is_contiguous(images), "images: expected a contiguous array of four dimensions");
  const bool bytes = py::isinstance<py::array_t<std::uint8_t>>(images);
  require(bytes || py::isinstance<py::array_t<float>>(images), "images: expected float32 or uint8");
  const py::ssize_t n = images.shape(0);
  require(has_shape(matrices, {n, 2, 2}), "matrices: expected the shape (n, 2, 2)");
  require(has_shape(offsets, {n, 2}), "offsets: expected the shape (n, 2)");
  require(!flips || has_shape(*flips, {n, 2}), "flips: expected the shape (n, 2)");
  require(order == 0 || order == 1, "order: expected 0 or 1");
  const std::vector<py::ssize_t> shape(images.shape(), images.shape() + 4);
  py::array result = out ? *out : py::array_t<float>(shape);
  require(py::isinstance<py::array_t<float>>(result) && is_contiguous(result) && result.writeable() &&
              std::vector<py::ssize_t>(result.shape(), result.shape() + result.ndim()) == shape,
          "out: expected a writable contiguous float32 array of the images' shape");
  const auto* const src = static_cast<const std::byte*>(images.data());
  auto* const dst = static_cast<std::byte*>(result.mutable_data());
  require(src + images.nbytes() <= dst || dst + result.nbytes() <= src, "out: expected other memory than the images'");

  const kernels::Warp shared{.height = length(images, 1),
                             .width = length(images, 2),
                             .channels = length(images, 3),
                             .order = order,
                             .fill = fill_named(mode),
                             .fill_value = static_cast<float>(cval)};
  const std::size_t size = shared.height * shared.width * shared.channels;
  const double* const matrix = matrices.data();
  const double* const offset = offsets.data();
  const bool* const flip = flips ? flips->data() : nullptr;
  {
    const GilRelease no_gil;  // GIL released: threads compute on memory that the arguments keep alive
    parallel_for(static_cast<std::size_t>(n), threads, [&](std::size_t i) {
      kernels::Warp one = shared;
      std::copy_n(matrix + 4 * i, 4, one.matrix.begin());
      std::copy_n(offset + 2 * i, 2, one.offset.begin());
      one.flip_rows = flip != nullptr && flip[2 * i];
      one.flip_columns = flip != nullptr && flip[2 * i + 1];
      float* const image = reinterpret_cast<float*>(dst) + i * size;
      if (bytes) {
        kernels::warp(one, reinterpret_cast<const std::uint8_t*>(src) + i * size, image);
      } else {
        kernels::warp(one, reinterpret_cast<const float*>(src) + i * size, image);
      }
    });
  }
  return result;
}

std::shared_ptr<Augmentation> make_augmentation(Range rotation, Range shear, Range zoom, Range shift_rows,
                                                Range shift_columns, int order, const std::string& fill,
                                                float fill_value, Range channel_shift, Range brightness, Range contrast,
                                                Range saturation, Range hue, double erase, Range erase_scale,
                                                Range erase_ratio, std::vector<float> erase_value, bool standardize) {
  const AffineOptions affine{.rotation = rotation,
                             .shear = shear,
                             .zoom = zoom,
                             .shift_rows = shift_rows,
                             .shift_columns = shift_columns,
                             .order = order,
                             .fill = fill_named(fill),
                             .fill_value = fill_value};
  return std::make_shared<Augmentation>(AugmentOptions{.affine = affine,
                                                       .channel_shift = channel_shift,
                                                       .brightness = brightness,
                                                       .contrast = contrast,
                                                       .saturation = saturation,
                                                       .hue = hue,
                                                       .erase = erase,
                                                       .erase_scale = erase_scale,
                                                       .erase_ratio = erase_ratio,
                                                       .erase_value = std::move(erase_value),
                                                       .standardize = standardize});
}

// The pixels (height, width, channels) after the augmentation of this sample.
py::array_t<float> apply(const Augmentation& augmentation, const py::array_t<std::uint8_t, py::array::c_style>& pixels,
                         std::uint64_t seed, std::uint64_t epoch, std::uint64_t index) {
  require(pixels.ndim() == 3 && pixels.size() > 0 && pixels.shape(2) <= 4,
          "expected pixels of shape (height, width, 1 to 4)");
  py::array_t<float> out({pixels.shape(0), pixels.shape(1), pixels.shape(2)});
  augmentation.apply(pixels.data(), length(pixels, 0), length(pixels, 1), length(pixels, 2), {seed, epoch}, index,
                     out.mutable_data());
  return out;
}

py::tuple matrix_of(const Augmentation& augmentation, double height, double width, std::uint64_t seed,
                    std::uint64_t epoch, std::uint64_t index) {
  const Stream stream(seed, epoch, index, Operation::kAffine);
  const AffineMap map = affine_matrix(augmentation.options().affine, height, width, stream);
  return py::make_tuple(map.matrix, map.offset);
}

}  // namespace

void register_augment(py::module_& module) {
  py::class_<Augmentation, std::shared_ptr<Augmentation>>(module, "Augmentation")
      .def(py::init(&make_augmentation), py::kw_only(), py::arg("rotation"), py::arg("shear"), py::arg("zoom"),
           py::arg("shift_rows"), py::arg("shift_columns"), py::arg("order"), py::arg("fill"), py::arg("fill_value"),
           py::arg("channel_shift"), py::arg("brightness"), py::arg("contrast"), py::arg("saturation"), py::arg("hue"),
           py::arg("erase"), py::arg("erase_scale"), py::arg("erase_ratio"), py::arg("erase_value"),
           py::arg("standardize"))
      .def("apply", &apply, py::arg("pixels"), py::arg("seed"), py::arg("epoch"), py::arg("index"))
      .def("affine_matrix", &matrix_of, py::arg("height"), py::arg("width"), py::arg("seed"), py::arg("epoch"),
           py::arg("index"));

  module.def("warp_batch", &warp_batch, py::arg("images"), py::arg("matrices"), py::arg("offsets"), py::arg("order"),
             py::arg("mode"), py::arg("cval"), py::arg("threads"), py::arg("flips") = py::none(),
             py::arg("out") = py::none());
}

}  // namespace fastbatch::bindings
