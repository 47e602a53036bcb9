// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "common/parallel.h"
#include "decode/decoder.h"
#include "image/change.h"

namespace fastbatch::bindings {

namespace {

// out[i] = change(images[places[i]]). images: float32 or uint8, (n, height, width, channels). out: float32.
void change_batch(const py::array& images, const SignedIndices& places, py::array& out,
                  const std::optional<Flags>& moves, const std::optional<Doubles>& matrices,
                  const std::optional<Doubles>& offsets, int order, int fill, double cval,
                  const std::optional<Flags>& flips, const std::optional<Floats>& shifts,
                  const std::optional<Floats>& brightness, double scale, std::size_t threads) {
  const bool bytes = py::isinstance<py::array_t<std::uint8_t>>(images);
  require(bytes || py::isinstance<py::array_t<float>>(images), "images: expected float32 or uint8");
  require(images.ndim() == 4 && is_contiguous(images), "images: expected a contiguous array of four dimensions");
  require(places.ndim() == 1, "places: expected one dimension");
  const py::ssize_t n = places.shape(0);
  require(py::isinstance<py::array_t<float>>(out) && is_contiguous(out) && out.writeable() &&
              has_shape(out, {n, images.shape(1), images.shape(2), images.shape(3)}),
          "out: expected a writable contiguous float32 array, of one image for each place");
  require(moves.has_value() == matrices.has_value() && moves.has_value() == offsets.has_value(),
          "moves, matrices, offsets: expected all or none");
  require(!moves || (has_shape(*moves, {n}) && has_shape(*matrices, {n, 2, 2}) && has_shape(*offsets, {n, 2})),
          "moves, matrices, offsets: expected the shapes (n,), (n, 2, 2), (n, 2)");
  require(!flips || has_shape(*flips, {n, 2}), "flips: expected the shape (n, 2)");
  require(!shifts || has_shape(*shifts, {n}), "shifts: expected the shape (n,)");
  require(!brightness || has_shape(*brightness, {n, 256}), "brightness: expected the shape (n, 256)");
  require(order == 0 || order == 1, "order: expected 0 or 1");
  require(fill >= 0 && fill <= 3, "fill: expected 0 to 3");
  const std::int64_t* const place = places.data();
  require(std::all_of(place, place + n, [&](std::int64_t i) { return i >= 0 && i < images.shape(0); }),
          "places: expected numbers of images");
  const auto* const src = static_cast<const std::byte*>(images.data());
  auto* const dst = static_cast<std::byte*>(out.mutable_data());
  require(src + images.nbytes() <= dst || dst + out.nbytes() <= src, "out: expected other memory than the images'");

  ImageChange shared;
  shared.warp.height = static_cast<std::size_t>(images.shape(1));
  shared.warp.width = static_cast<std::size_t>(images.shape(2));
  shared.warp.channels = static_cast<std::size_t>(images.shape(3));
  shared.warp.order = order;
  shared.warp.fill = static_cast<kernels::Fill>(fill);
  shared.warp.fill_value = static_cast<float>(cval);
  shared.scale = static_cast<float>(scale);
  const std::size_t size = shared.warp.height * shared.warp.width * shared.warp.channels;
  const bool* const move = moves ? moves->data() : nullptr;
  const double* const matrix = matrices ? matrices->data() : nullptr;
  const double* const offset = offsets ? offsets->data() : nullptr;
  const bool* const flip = flips ? flips->data() : nullptr;
  const float* const shift = shifts ? shifts->data() : nullptr;
  const float* const bright = brightness ? brightness->data() : nullptr;
  kernels::Conversion convert{.dst = DType::kF32, .channels = shared.warp.channels};
  if (shift == nullptr && bright == nullptr && scale != 1) {
    convert.scale.assign(shared.warp.channels, shared.scale);
    convert.shift.assign(shared.warp.channels, 0);
  }
  shared.convert = &convert;
  const GilRelease no_gil;  // GIL released: threads compute on memory that the arguments keep alive
  parallel_for(static_cast<std::size_t>(n), threads, [&](std::size_t i) {
    ImageChange one = shared;
    one.moves = move != nullptr && move[i];
    if (one.moves) {
      std::copy_n(matrix + 4 * i, 4, one.warp.matrix.begin());
      std::copy_n(offset + 2 * i, 2, one.warp.offset.begin());
    }
    one.warp.flip_rows = flip != nullptr && flip[2 * i];
    one.warp.flip_columns = flip != nullptr && flip[2 * i + 1];
    one.has_shift = shift != nullptr;
    if (one.has_shift) one.shift = shift[i];
    if (bright != nullptr) one.brightness = bright + 256 * i;
    const std::size_t from = static_cast<std::size_t>(place[i]) * size;
    float* const image = reinterpret_cast<float*>(dst) + i * size;
    if (bytes) {
      change(one, reinterpret_cast<const std::uint8_t*>(src) + from, image);
    } else {
      change(one, reinterpret_cast<const float*>(src) + from, image);
    }
  });
}

// A decoder with its workspace, for decoding in the caller's thread. Threads: one at a time.
struct DecodeWorker {
  std::shared_ptr<const Decoder> decoder;
  std::unique_ptr<Workspace> workspace;
};

// Decodes samples into the rows of `out`.
void decode_into(DecodeWorker& worker, const SignedIndices& indices, py::array& out) {
  const auto n = static_cast<std::size_t>(indices.size());
  require(indices.ndim() == 1 && out.ndim() >= 1 && out.shape(0) == indices.shape(0) && is_contiguous(out) &&
              out.writeable() && static_cast<std::size_t>(out.nbytes()) == n * worker.decoder->slot_bytes(),
          "out: expected a writable contiguous array, of one slot for each sample");
  std::vector<std::uint64_t> samples(indices.data(), indices.data() + n);
  require(std::all_of(samples.begin(), samples.end(), [&](std::uint64_t i) { return i < worker.decoder->size(); }),
          "indices: expected numbers of samples");
  auto* const slots = static_cast<std::byte*>(out.mutable_data());
  std::size_t failed_at = 0;
  // Reads and decodes files into memory that the arguments keep alive.
  interruptible_here([&] { worker.decoder->decode(samples, {}, slots, *worker.workspace, failed_at); });
}

}  // namespace

void register_change(py::module_& module) {
  module.def("change_batch", &change_batch, py::arg("images"), py::arg("places"), py::arg("out"),
             py::arg("moves") = py::none(), py::arg("matrices") = py::none(), py::arg("offsets") = py::none(),
             py::arg("order") = 1, py::arg("fill") = 0, py::arg("cval") = 0.0, py::arg("flips") = py::none(),
             py::arg("shifts") = py::none(), py::arg("brightness") = py::none(), py::arg("scale") = 1.0,
             py::arg("threads") = 1);

  py::class_<DecodeWorker>(module, "DecodeWorker")
      .def(py::init([](std::shared_ptr<Decoder> decoder) {
        std::unique_ptr<Workspace> workspace = decoder->workspace();
        return std::make_unique<DecodeWorker>(std::move(decoder), std::move(workspace));
      }))
      .def("decode_into", &decode_into, py::arg("indices"), py::arg("out"));
}

}  // namespace fastbatch::bindings
