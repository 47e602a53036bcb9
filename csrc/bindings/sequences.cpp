// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/ndarray.h"
#include "bindings/sequences.h"
#include "decode/documents_decoder.h"
#include "decode/find.h"
#include "decode/joined_decoder.h"
#include "decode/packed_decoder.h"
#include "decode/standardize.h"
#include "plan/packing.h"
#include "source/pieces.h"

namespace fastbatch::bindings {

namespace {

template <typename T>
py::array_t<T> to_numbers(const std::vector<T>& numbers) {
  return py::array_t<T>(static_cast<py::ssize_t>(numbers.size()), numbers.data());
}

// An array that owns the numbers, without a copy.
template <typename T>
py::array_t<T> to_owner(std::vector<T> numbers) {
  auto held = std::make_unique<std::vector<T>>(std::move(numbers));
  const auto n = static_cast<py::ssize_t>(held->size());
  const T* const data = held->data();
  return py::array_t<T>(n, data, keep_alive(std::move(held)));
}

using Lengths = ArrayOf<std::uint32_t>;

PackedPieces pieces_of(const Indices& starts, const Lengths& lengths, const Indices& ends, std::uint32_t context) {
  return {span_of(starts), {lengths.data(), static_cast<std::size_t>(lengths.size())}, span_of(ends), context};
}

std::shared_ptr<PackedTokens> make_packed_tokens(ArrayView view, std::optional<kernels::Conversion> conversion,
                                                 const Indices& starts, const Lengths& lengths, const Indices& ends,
                                                 std::uint32_t context, unsigned shift, const py::bytes& fill) {
  const std::string_view bytes = fill;
  const auto* const first = reinterpret_cast<const std::byte*>(bytes.data());
  return std::make_shared<PackedTokens>(std::move(view), std::move(conversion),
                                        pieces_of(starts, lengths, ends, context), shift,
                                        std::vector<std::byte>(first, first + bytes.size()));
}

// (starts, lengths, members, ends, widths, firsts, counts, rows): see DocumentBatches.
using DocumentArrays = std::tuple<Indices, Indices, Indices, Indices, Indices, Indices, Indices, Indices>;

// Document batches and the arrays whose memory they refer to.
struct OwnedBatches {
  DocumentArrays arrays;
  DocumentBatches batches;
};

std::shared_ptr<OwnedBatches> own_batches(const DocumentArrays& arrays, std::uint64_t max_rows, bool shuffled) {
  const auto& [starts, lengths, members, ends, widths, firsts, counts, rows] = arrays;
  DocumentBatches batches{span_of(starts), span_of(lengths), span_of(members), span_of(ends), span_of(widths),
                          span_of(firsts), span_of(counts),  span_of(rows),    max_rows,      shuffled};
  return std::make_shared<OwnedBatches>(arrays, batches);
}

std::shared_ptr<DocumentTokens> make_document_tokens(ArrayView view, std::optional<kernels::Conversion> conversion,
                                                     const OwnedBatches& owned, bool padded, const py::bytes& fill) {
  const std::string_view bytes = fill;
  const auto* const first = reinterpret_cast<const std::byte*>(bytes.data());
  return std::make_shared<DocumentTokens>(std::move(view), std::move(conversion), owned.batches, padded,
                                          std::vector<std::byte>(first, first + bytes.size()));
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

  module.def("pack_documents", [](const Indices& bounds, bool are_lengths, std::uint32_t context, std::size_t window,
                                  bool splits) {
    Packing packing;
    {
      const GilRelease no_gil;  // GIL released: millions of documents take a second; touches no Python object
      packing = pack_documents(span_of(bounds), are_lengths,
                               {context, window, splits ? LongDocuments::kSplit : LongDocuments::kCut});
    }
    return py::make_tuple(to_owner(std::move(packing.starts)), to_owner(std::move(packing.lengths)),
                          to_owner(std::move(packing.ends)));
  });
  // The arrays must be dense and of these types, since the decoder refers to their memory.
  py::class_<PackedTokens, Decoder, std::shared_ptr<PackedTokens>>(module, "PackedTokens")
      .def(py::init(&make_packed_tokens), py::keep_alive<1, 4>(), py::keep_alive<1, 5>(), py::keep_alive<1, 6>(),
           py::arg("data"), py::arg("conversion"), py::arg("starts").noconvert(), py::arg("lengths").noconvert(),
           py::arg("ends").noconvert(), py::arg("context"), py::arg("shift"), py::arg("fill"))
      .def(py::init([](const py::array& array, std::optional<kernels::Conversion> conversion, const Indices& starts,
                       const Lengths& lengths, const Indices& ends, std::uint32_t context, unsigned shift,
                       const py::bytes& fill) {
             return make_packed_tokens(borrow(array), std::move(conversion), starts, lengths, ends, context, shift,
                                       fill);
           }),
           py::keep_alive<1, 2>(), py::keep_alive<1, 4>(), py::keep_alive<1, 5>(), py::keep_alive<1, 6>(),
           py::arg("data"), py::arg("conversion"), py::arg("starts").noconvert(), py::arg("lengths").noconvert(),
           py::arg("ends").noconvert(), py::arg("context"), py::arg("shift"), py::arg("fill"));
  py::class_<PackedNumbers, Decoder, std::shared_ptr<PackedNumbers>>(module, "PackedNumbers")
      .def(py::init([](const Indices& starts, const Lengths& lengths, const Indices& ends, std::uint32_t context,
                       bool positions) {
             return std::make_shared<PackedNumbers>(pieces_of(starts, lengths, ends, context), positions);
           }),
           py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::arg("starts").noconvert(),
           py::arg("lengths").noconvert(), py::arg("ends").noconvert(), py::arg("context"), py::arg("positions"));

  py::class_<OwnedBatches, std::shared_ptr<OwnedBatches>>(module, "DocumentBatches")
      .def(py::init(&own_batches), py::arg("arrays"), py::arg("max_rows"), py::arg("shuffled"));
  py::class_<DocumentTokens, Decoder, std::shared_ptr<DocumentTokens>>(module, "DocumentTokens")
      .def(py::init(&make_document_tokens), py::keep_alive<1, 4>(), py::arg("data"), py::arg("conversion"),
           py::arg("batches"), py::arg("padded"), py::arg("fill"))
      .def(py::init([](const py::array& array, std::optional<kernels::Conversion> conversion, const OwnedBatches& owned,
                       bool padded, const py::bytes& fill) {
             return make_document_tokens(borrow(array), std::move(conversion), owned, padded, fill);
           }),
           py::keep_alive<1, 2>(), py::keep_alive<1, 4>(), py::arg("data"), py::arg("conversion"), py::arg("batches"),
           py::arg("padded"), py::arg("fill"));
  py::class_<DocumentNumbers, Decoder, std::shared_ptr<DocumentNumbers>>(module, "DocumentNumbers")
      .def(py::init([](const OwnedBatches& owned) { return std::make_shared<DocumentNumbers>(owned.batches); }),
           py::keep_alive<1, 2>(), py::arg("batches"));

  py::class_<Moments>(module, "Moments")
      .def(py::init<std::size_t>(), py::arg("channels"))
      .def("add",
           [](Moments& moments, const Decoder& blocks) {
             interruptible_here([&] { moments.add(blocks); });  // reads the blocks: may wait for a store
           })
      .def_property_readonly("n", &Moments::n)
      .def_property_readonly("mean", [](const Moments& moments) { return to_numbers(moments.mean()); })
      .def_property_readonly("variance", [](const Moments& moments) { return to_numbers(moments.variance()); });

  module.def("find_all", [](const Decoder& blocks, std::int64_t value) {
    std::vector<std::uint64_t> places;
    interruptible_here([&] { places = find_all(blocks, value); });  // reads the blocks: may wait for a store
    return to_numbers(places);
  });
}

}  // namespace fastbatch::bindings
