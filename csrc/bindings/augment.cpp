// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/gil.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "common/parallel.h"
#include "kernels/warp.h"

namespace fastbatch::bindings {

namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Flags = py::array_t<bool, py::array::c_style | py::array::forcecast>;

kernels::Fill fill_named(const std::string& name) {
  if (name == "nearest") return kernels::Fill::kNearest;
  if (name == "constant") return kernels::Fill::kConstant;
  if (name == "reflect") return kernels::Fill::kReflect;
  if (name == "wrap") return kernels::Fill::kWrap;
  throw std::invalid_argument("mode: expected nearest, constant, reflect or wrap, found " + name);
}

bool is_contiguous(const py::array& array) { return (array.flags() & py::array::c_style) != 0; }

void require(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

std::size_t length(const py::array& array, py::ssize_t axis) { return static_cast<std::size_t>(array.shape(axis)); }

// images: float32 or uint8, (n, height, width, channels), contiguous; `out` the same in float32, elsewhere.
py::array warp_batch(const py::array& images, const Doubles& matrices, const Doubles& offsets, int order,
                     const std::string& mode, double cval, std::size_t threads, const std::optional<Flags>& flips,
                     const std::optional<py::array>& out) {
  require(images.ndim() == 4 && is_contiguous(images), "images: expected a contiguous array of four dimensions");
  const bool bytes = py::isinstance<py::array_t<std::uint8_t>>(images);
  require(bytes || py::isinstance<py::array_t<float>>(images), "images: expected float32 or uint8");
  const py::ssize_t n = images.shape(0);
  require(matrices.ndim() == 3 && matrices.shape(0) == n && matrices.shape(1) == 2 && matrices.shape(2) == 2,
          "matrices: expected the shape (n, 2, 2)");
  require(offsets.ndim() == 2 && offsets.shape(0) == n && offsets.shape(1) == 2, "offsets: expected the shape (n, 2)");
  require(!flips || (flips->ndim() == 2 && flips->shape(0) == n && flips->shape(1) == 2),
          "flips: expected the shape (n, 2)");
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
    const GilRelease no_gil;  // GIL released: threads do arithmetic on memory that the arguments keep alive
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

}  // namespace

void register_augment(py::module_& module) {
  module.def("warp_batch", &warp_batch, py::arg("images"), py::arg("matrices"), py::arg("offsets"), py::arg("order"),
             py::arg("mode"), py::arg("cval"), py::arg("threads"), py::arg("flips") = py::none(),
             py::arg("out") = py::none());
}

}  // namespace fastbatch::bindings
