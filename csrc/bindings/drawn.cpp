// SPDX-License-Identifier: MIT
// Images whose random numbers Python has drawn: batches of them, and their decoder.
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/interruptible.h"
#include "bindings/names.h"
#include "bindings/ndarray.h"
#include "bindings/pillow.h"
#include "bindings/register.h"
#include "codecs/probe.h"
#include "decode/drawn_decoder.h"
#include "source/file_list.h"

namespace fastbatch::bindings {

namespace {

constexpr py::ssize_t kGeometryColumns = 20;
constexpr py::ssize_t kChangeColumns = 10;

// Columns: width, height; source x, y, width, height; scaled width, height; wanted x, y, width, height; left, top;
// horizontal flip, vertical flip; erased x, y, width, height.
DrawnImage image_of(const std::int64_t* row) {
  const auto size = [&](std::size_t i) { return static_cast<std::size_t>(row[i]); };
  const auto side = [&](std::size_t i) { return static_cast<std::uint32_t>(row[i]); };
  const auto window = [&](std::size_t i) { return Window{size(i), size(i + 1), size(i + 2), size(i + 3)}; };
  DrawnImage image;
  image.size = {side(0), side(1)};
  image.crop = {
      .source = window(2), .scaled = {side(6), side(7)}, .wanted = window(8), .left = size(12), .top = size(13)};
  image.flips = {.horizontal = row[14] != 0, .vertical = row[15] != 0};
  image.erased = window(16);
  return image;
}

// A row: image, kind, then its values. Of a colour, one. Of an affine transform, the matrix, whether bilinear, and the
// bytes that fill, as one number of 8 bits per channel.
PixelChange change_of(const double* row) {
  PixelChange change;
  change.kind = static_cast<PixelChange::Kind>(static_cast<int>(row[1]));
  change.value = static_cast<float>(row[2]);
  if (change.kind != PixelChange::Kind::kAffine) return change;
  std::copy_n(row + 2, 6, change.affine.matrix.begin());
  change.affine.bilinear = row[8] != 0;
  auto fill = static_cast<std::uint32_t>(row[9]);
  for (std::uint8_t& byte : change.affine.fill) {
    byte = static_cast<std::uint8_t>(fill & 0xFFU);
    fill >>= 8U;
  }
  return change;
}

// `changes`: rows as above, in the order of application.
std::shared_ptr<DrawnBatch> make_batch(const SignedIndices& geometry, const SignedIndices& samples,
                                       const std::optional<std::vector<std::string>>& paths,
                                       const std::optional<Doubles>& changes, const py::bytes& erasing) {
  require(geometry.ndim() == 2 && geometry.shape(1) == kGeometryColumns, "geometry: expected the shape (n, 20)");
  require(has_shape(samples, {geometry.shape(0)}), "samples: expected one for each image");
  require(!changes || (changes->ndim() == 2 && changes->shape(1) == kChangeColumns),
          "changes: expected the shape (m, 10)");
  const auto n = static_cast<std::size_t>(geometry.shape(0));
  const std::int64_t* const numbers = geometry.data();
  require(std::all_of(numbers, numbers + geometry.size(), [](std::int64_t x) { return x >= 0 && x < (1LL << 31); }),
          "geometry: expected numbers of 31 bits");
  auto batch = std::make_shared<DrawnBatch>();
  batch->images.reserve(n);
  for (std::size_t j = 0; j < n; ++j)
    batch->images.push_back(image_of(numbers + j * static_cast<std::size_t>(kGeometryColumns)));
  batch->samples.assign(samples.data(), samples.data() + samples.size());
  if (paths) batch->paths = *paths;
  for (py::ssize_t k = 0; changes && k < changes->shape(0); ++k) {
    const double* const row = changes->data(k);
    require(row[0] >= 0 && row[0] < static_cast<double>(n) && row[1] >= 0 &&
                row[1] <= static_cast<double>(PixelChange::Kind::kAffine) && row[9] >= 0 && row[9] < 4294967296.0,
            "changes: expected an image, a kind, and values");
    batch->images[static_cast<std::size_t>(row[0])].changes.push_back(change_of(row));
  }
  const auto elements = erasing.cast<std::string_view>();
  const auto* const bytes = reinterpret_cast<const std::byte*>(elements.data());
  batch->erasing.assign(bytes, bytes + elements.size());
  return batch;
}

ColorMode mode_of(std::size_t channels) {
  require(channels == 1 || channels == 3, "channels: expected 1 or 3");
  return channels == 1 ? ColorMode::kGray : ColorMode::kRgb;
}

ImageArray images_of(const py::handle& object, std::size_t channels) {
  const char* const expected = "arrays: expected uint8 of the shape (n, height, width, channels) or (n, height, width)";
  require(py::isinstance<py::array_t<std::uint8_t>>(object), expected);
  const auto array = py::reinterpret_borrow<py::array>(object);
  require(array.ndim() == 4 || array.ndim() == 3, expected);
  require(array.ndim() == 3 ? channels == 1 : array.shape(3) == static_cast<py::ssize_t>(channels),
          "arrays: expected as many channels as the images have");
  ImageArray images;
  images.data = static_cast<const std::uint8_t*>(array.data());
  images.n = static_cast<std::size_t>(array.shape(0));
  images.height = static_cast<std::size_t>(array.shape(1));
  images.width = static_cast<std::size_t>(array.shape(2));
  images.image_stride = array.strides(0);
  images.row_stride = array.strides(1);
  images.pixel_stride = array.strides(2);
  images.channel_stride = array.ndim() == 4 ? array.strides(3) : 1;
  return images;
}

std::shared_ptr<DrawnDecoder> make_decoder(const py::tuple& arrays, std::size_t channels, std::size_t height,
                                           std::size_t width, const py::object& table, std::size_t itemsize,
                                           bool planes, const std::string& filter, bool exact,
                                           const std::vector<std::uint8_t>& pad_value, bool with_pillow,
                                           std::size_t table_channels, std::size_t seek_index_bytes) {
  DrawnOptions options;
  options.image.height = height;
  options.image.width = width;
  options.image.color = mode_of(channels);
  options.image.filter = filter_named(filter);
  options.image.exact = exact;
  options.image.seek_index_bytes = seek_index_bytes;
  require(pad_value.size() <= options.image.pad_value.size(), "pad_value: more than 4 channels");
  std::copy(pad_value.begin(), pad_value.end(), options.image.pad_value.begin());
  if (!table.is_none()) {
    const auto elements = table.cast<std::string_view>();
    options.table.emplace(table_channels, itemsize,
                          std::span(reinterpret_cast<const std::byte*>(elements.data()), elements.size()));
  }
  options.planes = planes;
  std::vector<ImageArray> images;
  for (const py::handle array : arrays) images.push_back(images_of(array, channels));
  return std::make_shared<DrawnDecoder>(std::move(options), images,
                                        with_pillow ? make_pillow_reader() : MakeImageReader());
}

// (width, height) of each file; (0, 0) where the core cannot tell.
SignedIndices probe_sizes(const std::vector<std::string>& paths, std::size_t threads) {
  SignedIndices sizes({static_cast<py::ssize_t>(paths.size()), py::ssize_t{2}});
  std::int64_t* out = sizes.mutable_data();
  FileList files;
  for (const std::string& path : paths) files.add(path);
  const std::vector<ProbedImage> probed = interruptible(
      [&](const StopSignal& stop) { return probe_images(files, 0, paths.size(), threads, kMaxPixels, stop); });
  for (const ProbedImage& one : probed) {
    *out++ = one.error.empty() ? one.info.size.width : 0;
    *out++ = one.error.empty() ? one.info.size.height : 0;
  }
  return sizes;
}

}  // namespace

void register_drawn(py::module_& module) {
  py::class_<DrawnBatch, std::shared_ptr<DrawnBatch>>(module, "DrawnBatch")
      .def(py::init(&make_batch), py::arg("geometry"), py::arg("samples"), py::arg("paths") = py::none(),
           py::arg("changes") = py::none(), py::arg("erasing") = py::bytes());

  py::class_<DrawnDecoder, Decoder, std::shared_ptr<DrawnDecoder>>(module, "DrawnDecoder")
      .def(py::init(&make_decoder), py::keep_alive<1, 2>(), py::arg("arrays"), py::arg("channels"), py::arg("height"),
           py::arg("width"), py::arg("table") = py::none(), py::arg("itemsize") = 1, py::arg("planes") = true,
           py::arg("filter") = "bilinear", py::arg("exact") = true, py::arg("pad_value") = std::vector<std::uint8_t>{},
           py::arg("with_pillow") = false, py::arg("table_channels") = 3, py::arg("seek_index_bytes") = 0)
      .def("add", [](DrawnDecoder& decoder, const std::shared_ptr<DrawnBatch>& batch) { return decoder.add(batch); });

  module.def("probe_sizes", &probe_sizes, py::arg("paths"), py::arg("threads"));
}

}  // namespace fastbatch::bindings
