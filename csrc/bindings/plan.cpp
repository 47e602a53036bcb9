// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "common/philox.h"
#include "plan/batch_plan.h"
#include "plan/mixture.h"
#include "plan/order.h"
#include "plan/permutation.h"

namespace fastbatch::bindings {

namespace {

Indices allocate(std::size_t n) { return Indices(static_cast<py::ssize_t>(n)); }

Shuffle shuffle_named(const std::string& name) {
  if (name == "none") return Shuffle::kNone;
  if (name == "full") return Shuffle::kFull;
  if (name == "block") return Shuffle::kBlock;
  throw std::invalid_argument("shuffle: expected none, full or block, found " + name);
}

Tail tail_named(const std::string& name) {
  if (name == "pad") return Tail::kPad;
  if (name == "drop") return Tail::kDrop;
  if (name == "uneven") return Tail::kUneven;
  if (name == "mask") return Tail::kMask;
  throw std::invalid_argument("tail: expected pad, drop, uneven or mask, found " + name);
}

// (shuffled, seed, n, start, count), or (n, items)
using RangeTuple = std::tuple<bool, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;
using ListTuple = std::tuple<std::uint64_t, std::shared_ptr<IndexList>>;
using SubsetTuple = std::variant<RangeTuple, ListTuple>;

Subset subset_of(const SubsetTuple& given) {
  if (const auto* range = std::get_if<RangeTuple>(&given)) {
    const auto& [shuffled, seed, n, start, count] = *range;
    return {shuffled, seed, n, start, count};
  }
  const auto& [n, items] = std::get<ListTuple>(given);
  if (!items) throw std::invalid_argument("a subset's list of items is None");
  return {.n = n, .count = items->size(), .listed = items};
}

}  // namespace

void register_plan(py::module_& module) {
  module.def("philox", [](std::uint64_t seed, std::uint64_t epoch, std::uint64_t index, std::uint64_t purpose,
                          std::uint64_t operation, std::size_t n) {
    Stream stream(seed, epoch, index, static_cast<Purpose>(purpose), static_cast<Operation>(operation));
    Indices raw = allocate(n);
    for (std::uint64_t& value : span_of(raw)) value = stream.next();
    return raw;
  });

  py::class_<Permutation>(module, "Permutation")
      .def(py::init([](std::uint64_t n, std::uint64_t seed, std::uint64_t epoch, std::uint64_t purpose,
                       std::uint64_t index) {
             return Permutation(n, Stream(seed, epoch, index, static_cast<Purpose>(purpose)));
           }),
           py::arg("n"), py::arg("seed"), py::arg("epoch"), py::arg("purpose") = 1, py::arg("index") = 0)
      .def("at",
           [](const Permutation& permutation, const Indices& positions) {
             for (const std::uint64_t position : span_of(positions))
               if (position >= permutation.size()) throw py::index_error();
             Indices out = allocate(static_cast<std::size_t>(positions.size()));
             permutation.at(span_of(positions), span_of(out));
             return out;
           })
      .def("inverse", [](const Permutation& permutation, std::uint64_t i) {
        if (i >= permutation.size()) throw py::index_error();
        return permutation.inverse(i);
      });

  py::class_<IndexList, std::shared_ptr<IndexList>>(module, "IndexList").def(py::init([](const Indices& items) {
    const auto span = span_of(items);
    return std::make_shared<IndexList>(std::vector<std::uint64_t>(span.begin(), span.end()));
  }));

  py::class_<Mixture, std::shared_ptr<Mixture>> mixture(module, "Mixture");  // named by the signature of Order
  py::class_<Order>(module, "Order")
      .def(py::init([](std::uint64_t n, const std::vector<SubsetTuple>& subsets, const std::string& shuffle,
                       std::uint64_t block_size, std::uint64_t window, std::uint64_t seed, std::uint64_t epoch,
                       std::uint64_t n_drawn, const std::optional<Doubles>& cumulative,
                       const std::optional<Indices>& listed, const std::optional<Indices>& block_ends,
                       const std::shared_ptr<Mixture>& mixture) {
             std::vector<Subset> parts;
             for (const SubsetTuple& subset : subsets) parts.push_back(subset_of(subset));
             std::shared_ptr<const Draw> draw;
             if (cumulative || listed) {
               auto made = std::make_shared<Draw>();
               made->n = n_drawn;
               if (cumulative) made->cumulative.assign(cumulative->data(), cumulative->data() + cumulative->size());
               if (listed) made->listed.assign(listed->data(), listed->data() + listed->size());
               draw = std::move(made);
             }
             BlockEnds ends;
             if (block_ends) {
               const auto span = span_of(*block_ends);
               ends = std::make_shared<std::vector<std::uint64_t>>(span.begin(), span.end());
             }
             return Order(n, parts, {shuffle_named(shuffle), block_size, window, std::move(ends)}, seed, epoch,
                          std::move(draw), mixture);
           }),
           py::arg("n"), py::arg("subsets"), py::arg("shuffle"), py::arg("block_size"), py::arg("window"),
           py::arg("seed"), py::arg("epoch"), py::arg("n_drawn") = 0, py::arg("cumulative") = py::none(),
           py::arg("listed") = py::none(), py::arg("block_ends") = py::none(), py::arg("mixture") = nullptr)
      .def_property_readonly("size", &Order::size)
      .def("at", [](const Order& order, const Indices& positions) {
        Indices out = allocate(static_cast<std::size_t>(positions.size()));
        const auto in = span_of(positions);
        for (std::size_t j = 0; j < in.size(); ++j) {
          if (in[j] >= order.size()) throw py::index_error();
          span_of(out)[j] = order.at(in[j]);
        }
        return out;
      });

  mixture.def(
      py::init([](const std::vector<std::pair<Order, std::uint64_t>>& parts, const Indices& turns, std::uint64_t n) {
        std::vector<Mixture::Part> made;
        for (const auto& [order, first] : parts) made.push_back({order, first});
        const auto span = span_of(turns);
        std::vector<std::uint16_t> short_turns;
        for (const std::uint64_t turn : span) short_turns.push_back(static_cast<std::uint16_t>(turn));
        return std::make_shared<Mixture>(std::move(made), std::move(short_turns), n);
      }),
      py::arg("parts"), py::arg("turns"), py::arg("n"));

  py::class_<BatchPlan>(module, "BatchPlan")
      .def(py::init([](std::uint64_t n, std::uint64_t position, std::uint64_t rank, std::uint64_t world_size,
                       const std::string& tail, std::uint64_t batch_size, bool drop_last,
                       std::optional<std::uint64_t> max_batches) {
             return BatchPlan(n, position, {rank, world_size, tail_named(tail)}, batch_size, drop_last,
                              max_batches.value_or(BatchPlan::kNoLimit));
           }),
           py::arg("n"), py::arg("position"), py::arg("rank"), py::arg("world_size"), py::arg("tail"),
           py::arg("batch_size"), py::arg("drop_last"), py::arg("max_batches") = py::none())
      .def_property_readonly("n_samples", &BatchPlan::n_samples)
      .def_property_readonly("n_batches", &BatchPlan::n_batches)
      .def("batch_size", &BatchPlan::batch_size)
      .def("position_after", &BatchPlan::position_after)
      .def("indices", [](const BatchPlan& plan, const Order& order, std::uint64_t k) {
        Indices out = allocate(plan.batch_size(k));
        plan.indices(order, k, 0, span_of(out));
        return out;
      });
}

}  // namespace fastbatch::bindings
