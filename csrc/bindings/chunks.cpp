// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "common/error.h"
#include "decode/chunked_decoder.h"
#include "decode/index_decoder.h"
#include "source/chunk_cache.h"
#include "source/chunked_samples.h"
#include "source/hdf5_chunks.h"
#include "source/parquet_images.h"

namespace fastbatch::bindings {

namespace {

// A Python object that any thread may release.
std::shared_ptr<py::object> share(py::object object) {
  return {new py::object(std::move(object)), [](py::object* held) {
            if (is_finalizing()) return;  // the process ends anyway
            const py::gil_scoped_acquire gil;
            delete held;
          }};
}

std::string text_of(const py::object& object) {
  return object.is_none()
             ? std::string()
             : static_cast<std::string>(py::bytes(py::module_::import("os").attr("fsencode")(py::str(object))));
}

// Converts a Python exception to the core's, which hold no Python objects.
[[noreturn]] void throw_error(const py::error_already_set& error) {
  if (error.matches(PyExc_MemoryError)) throw std::bad_alloc();
  const py::object value = error.value();
  if (error.matches(PyExc_OSError) && !value.attr("errno").is_none()) {
    throw FileError({text_of(value.attr("filename"))}, value.attr("errno").cast<int>(),
                    text_of(value.attr("strerror")));
  }
  const py::module_ errors = py::module_::import("fastbatch.errors");
  if (error.matches(errors.attr("FastbatchError"))) {
    const Where where{text_of(value.attr("path"))};
    const std::string message = text_of(value.attr("message"));
    if (error.matches(errors.attr("FormatError"))) throw FormatError(where, message);
    throw DecodeError(where, message);
  }
  throw DecodeError({}, text_of(py::str(py::type::of(value).attr("__name__"))) + ": " + text_of(py::str(value)));
}

// Chunks that a Python function reads: it takes the number of a chunk and returns a list of arrays. It is called with
// the GIL by the worker threads. Threads: any.
class PythonChunks final : public ChunkSource {
 public:
  explicit PythonChunks(py::object function) : function_(share(std::move(function))) {}

  [[nodiscard]] Chunk load(std::uint64_t k) const override {
    if (is_finalizing()) throw DecodeError({}, "Python is ending");
    const py::gil_scoped_acquire gil;
    try {
      Chunk chunk;
      for (const py::handle item : py::list((*function_)(k))) {
        const auto array = py::reinterpret_borrow<py::array>(item);
        chunk.fields.push_back(borrow(array));
        chunk.fields.back().owner = share(array);
        chunk.bytes += static_cast<std::size_t>(array.nbytes());
      }
      return chunk;
    } catch (const py::error_already_set& error) {
      throw_error(error);
    }
  }

 private:
  std::shared_ptr<py::object> function_;
};

Hdf5Filter hdf5_filter_named(const std::string& name) {
  if (name == "deflate") return Hdf5Filter::kDeflate;
  if (name == "shuffle") return Hdf5Filter::kShuffle;
  if (name == "fletcher32") return Hdf5Filter::kFletcher32;
  if (name == "lzf") return Hdf5Filter::kLzf;
  throw std::invalid_argument("filters: expected deflate, shuffle, fletcher32 or lzf, found " + name);
}

// File: path, size, time of change in ns, inode, device.
using FileTuple = std::tuple<py::bytes, std::uint64_t, std::int64_t, std::uint64_t, std::uint64_t>;

FileStatus status_of(const FileTuple& file) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto& [path, size, modified, inode, device] = file;
  const std::int64_t seconds = modified / kSecond - (modified % kSecond < 0 ? 1 : 0);
  return {size, {seconds, modified - seconds * kSecond}, device, inode};
}

std::shared_ptr<Hdf5Chunks> make_hdf5_chunks(const FileTuple& file, const std::string& descr,
                                             std::vector<std::uint64_t> shape, std::vector<std::uint64_t> tile,
                                             const std::vector<std::string>& filters, const std::string& fill,
                                             const Indices& offsets, const Indices& sizes, const Indices& masks,
                                             std::uint64_t most_bytes) {
  require(offsets.size() == sizes.size() && offsets.size() == masks.size(), "tiles: expected arrays of one length");
  Hdf5Chunks::Layout layout{.element = parse_descr(descr, Where{}), .shape = std::move(shape), .tile = std::move(tile)};
  for (const std::string& name : filters) layout.filters.push_back(hdf5_filter_named(name));
  for (const char byte : fill) layout.fill.push_back(static_cast<std::byte>(byte));
  for (std::size_t i = 0; i < span_of(offsets).size(); ++i) {
    layout.tiles.push_back({span_of(offsets)[i], span_of(sizes)[i], static_cast<std::uint32_t>(span_of(masks)[i])});
  }
  layout.most_bytes = most_bytes;
  return std::make_shared<Hdf5Chunks>(std::string(std::get<0>(file)), status_of(file), std::move(layout));
}

// Column: begin, packed, unpacked, whether packed by Snappy, most_defined. Group: number of its file, rows, columns.
using PagesTuple = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, bool, unsigned>;
using GroupTuple = std::tuple<std::uint64_t, std::uint64_t, std::vector<PagesTuple>>;

std::shared_ptr<ParquetImages> make_parquet_images(std::shared_ptr<ChunkSource> other,
                                                   const std::vector<FileTuple>& files,
                                                   const std::vector<GroupTuple>& groups, std::uint64_t most_bytes) {
  std::vector<ParquetImages::File> known;
  for (const FileTuple& file : files) known.push_back({std::string(std::get<0>(file)), status_of(file)});
  std::vector<ParquetImages::Group> found;
  for (const auto& [file, n_rows, columns] : groups) {
    ParquetImages::Group group{file, n_rows, {}};
    for (const auto& [begin, packed, unpacked, is_snappy, most_defined] : columns) {
      const auto codec = is_snappy ? ParquetCodec::kSnappy : ParquetCodec::kStored;
      group.columns.push_back({begin, packed, unpacked, {codec, most_defined}});
    }
    found.push_back(std::move(group));
  }
  return std::make_shared<ParquetImages>(std::move(other), std::move(known), std::move(found), most_bytes);
}

}  // namespace

void register_chunks(py::module_& module) {
  py::class_<ChunkSource, std::shared_ptr<ChunkSource>>(module, "ChunkSource");

  py::class_<PythonChunks, ChunkSource, std::shared_ptr<PythonChunks>>(module, "PythonChunks")
      .def(py::init([](py::object function) { return std::make_shared<PythonChunks>(std::move(function)); }));

  py::class_<Hdf5Chunks, ChunkSource, std::shared_ptr<Hdf5Chunks>>(module, "Hdf5Chunks")
      .def(py::init(&make_hdf5_chunks), py::arg("file"), py::arg("descr"), py::arg("shape"), py::arg("tile"),
           py::arg("filters"), py::arg("fill"), py::arg("offsets"), py::arg("sizes"), py::arg("masks"),
           py::arg("most_bytes"));

  py::class_<ParquetImages, ChunkSource, std::shared_ptr<ParquetImages>>(module, "ParquetImages")
      .def(py::init(&make_parquet_images), py::arg("other"), py::arg("files"), py::arg("groups"),
           py::arg("most_bytes"));

  py::class_<ChunkCache, std::shared_ptr<ChunkCache>>(module, "ChunkCache")
      .def(py::init([](std::shared_ptr<ChunkSource> source, const Indices& ends, std::size_t most_bytes) {
             const auto span = span_of(ends);
             return std::make_shared<ChunkCache>(std::move(source),
                                                 std::vector<std::uint64_t>(span.begin(), span.end()), most_bytes);
           }),
           py::arg("source"), py::arg("ends"), py::arg("most_bytes"));

  py::class_<ChunkedDecoder, Decoder, std::shared_ptr<ChunkedDecoder>>(module, "ChunkedDecoder")
      .def(py::init([](std::shared_ptr<ChunkCache> chunks, std::size_t field, const py::array& none,
                       std::optional<kernels::Conversion> conversion) {
             return std::make_shared<ChunkedDecoder>(std::move(chunks), field, borrow(none), std::move(conversion));
           }),
           py::arg("chunks"), py::arg("field"), py::arg("none"), py::arg("conversion"))
      .def("standardize_samples", &ChunkedDecoder::standardize_samples);

  py::class_<ChunkedSamples, SampleSource, std::shared_ptr<ChunkedSamples>>(module, "ChunkedSamples")
      .def(py::init([](std::shared_ptr<ChunkCache> chunks, std::size_t field, const std::vector<py::bytes>& files,
                       std::vector<std::uint64_t> first_rows) {
             return std::make_shared<ChunkedSamples>(
                 std::move(chunks), field, std::vector<std::string>(files.begin(), files.end()), std::move(first_rows));
           }),
           py::arg("chunks"), py::arg("field"), py::arg("files"), py::arg("first_rows"));

  py::class_<IndexDecoder, Decoder, std::shared_ptr<IndexDecoder>>(module, "IndexDecoder")
      .def(py::init<std::uint64_t>(), py::arg("n"));
}

}  // namespace fastbatch::bindings
