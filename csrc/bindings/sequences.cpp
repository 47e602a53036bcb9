// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/ndarray.h"
#include "bindings/sequences.h"
#include "decode/find.h"
#include "decode/joined_decoder.h"
#include "decode/standardize.h"
#include "source/pieces.h"

namespace fastbatch::bindings {

namespace {

template <typename T>
py::array_t<T> to_numbers(const std::vector<T>& numbers) {
  return py::array_t<T>(static_cast<py::ssize_t>(numbers.size()), numbers.data());
}

}  // namespace

void register_sequences(py::module_& module) {
  py::class_<Pieces, std::shared_ptr<Pieces>>(module, "Pieces")
      .def(py::init([](const Indices& starts, const Indices& counts, std::uint64_t stride) {
             return std::make_shared<Pieces>(span_of(starts), span_of(counts), stride);
           }),
           py::arg("starts"), py::arg("counts"), py::arg("stride"))
      .def_property_readonly("size", &Pieces::size)
      .def("rows", [](const Pieces& pieces, const Indices& samples) {
        for (const std::uint64_t sample : span_of(samples))
          if (sample >= pieces.size()) throw py::index_error();
        py::array_t<std::uint64_t> rows(samples.size());
        pieces.rows(span_of(samples), {rows.mutable_data(), static_cast<std::size_t>(rows.size())});
        return rows;
      });

  py::class_<JoinedDecoder, Decoder, std::shared_ptr<JoinedDecoder>>(module, "JoinedDecoder")
      .def(py::init([](const std::vector<std::shared_ptr<Decoder>>& parts) {
             return std::make_shared<JoinedDecoder>(
                 std::vector<std::shared_ptr<const Decoder>>(parts.begin(), parts.end()));
           }),
           py::keep_alive<1, 2>(), py::arg("parts"));

  py::class_<Moments>(module, "Moments")
      .def(py::init<std::size_t>(), py::arg("channels"))
      .def("add",
           [](Moments& moments, const Decoder& blocks) {
             const GilRelease no_gil;  // GIL released: reads the blocks, touches no Python object
             moments.add(blocks);
           })
      .def_property_readonly("n", &Moments::n)
      .def_property_readonly("mean", [](const Moments& moments) { return to_numbers(moments.mean()); })
      .def_property_readonly("variance", [](const Moments& moments) { return to_numbers(moments.variance()); });

  module.def("find_all", [](const Decoder& blocks, std::int64_t value) {
    std::vector<std::uint64_t> places;
    {
      const GilRelease no_gil;  // GIL released: reads the blocks, touches no Python object
      places = find_all(blocks, value);
    }
    return to_numbers(places);
  });
}

}  // namespace fastbatch::bindings
