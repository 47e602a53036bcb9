// SPDX-License-Identifier: MIT
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/register.h"
#include "loader/block_uses.h"
#include "source/block_space.h"
#include "source/mapped_samples.h"
#include "source/npy.h"
#include "source/raw.h"

namespace fastbatch::bindings {

namespace py = pybind11;

namespace {

using Numbers = py::array_t<std::uint64_t, py::array::c_style>;

std::shared_ptr<BlockSpace> make_space(std::shared_ptr<BlockPager> pager, const py::bytes& name, const Numbers& starts,
                                       const Numbers& sizes, const std::vector<py::bytes>& names) {
  if (starts.size() != sizes.size()) throw std::invalid_argument("blocks: expected as many offsets as sizes");
  std::vector<BlockSpace::Block> blocks(static_cast<std::size_t>(starts.size()));
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = {starts.data()[i], sizes.data()[i]};
  Names list;
  for (const py::bytes& one : names) list.add(std::string_view(one));
  return std::make_shared<BlockSpace>(std::move(pager), name, std::move(blocks), std::move(list));
}

std::shared_ptr<MappedSamples> make_samples(const std::vector<std::shared_ptr<BlockSpace>>& spaces, const Numbers& file,
                                            const Numbers& offsets, const Numbers& sizes,
                                            const std::vector<py::bytes>& names) {
  if (file.size() != offsets.size() || file.size() != sizes.size()) {
    throw std::invalid_argument("ranges: expected as many files as offsets and sizes");
  }
  std::vector<std::shared_ptr<const MappedFile>> files;
  for (const auto& space : spaces) files.push_back(std::make_shared<const MappedFile>(space));
  std::vector<MappedSamples::Range> ranges(static_cast<std::size_t>(file.size()));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges[i] = {offsets.data()[i], sizes.data()[i], static_cast<std::uint32_t>(file.data()[i])};
  }
  Names list;
  for (const py::bytes& name : names) list.add(std::string_view(name));
  return std::make_shared<MappedSamples>(std::move(files), std::move(ranges), std::move(list));
}

// Rows (batch, space, block, last batch).
py::array_t<std::uint64_t> uses_of(const std::vector<std::shared_ptr<Decoder>>& columns, const Order& order,
                                   const BatchPlan& plan, std::uint64_t first, std::uint64_t count) {
  std::vector<BatchUse> found;
  {
    const GilRelease no_gil;  // GIL released: may take long for many batches, touches no Python object
    found = block_uses({columns.begin(), columns.end()}, order, plan, first, count);
  }
  py::array_t<std::uint64_t> rows(std::vector<py::ssize_t>{static_cast<py::ssize_t>(found.size()), 4});
  auto* row = rows.mutable_data();
  for (const BatchUse& one : found) {
    *row++ = one.batch;
    *row++ = one.use.space;
    *row++ = one.use.block;
    *row++ = one.last;
  }
  return rows;
}

std::shared_ptr<const MappedFile> mapped(std::shared_ptr<BlockSpace> space) {
  return std::make_shared<const MappedFile>(std::move(space));
}

}  // namespace

void register_stores(py::module_& module) {
  py::class_<BlockPager, std::shared_ptr<BlockPager>>(module, "BlockPager")
      .def(py::init([](FileHandle empty, FileHandle bell, std::size_t blocks, std::uint64_t bytes) {
             return std::make_shared<BlockPager>(empty, bell, BlockPager::Limits{blocks, bytes});
           }),
           py::arg("empty"), py::arg("bell"), py::arg("blocks"), py::arg("bytes"))
      .def("find", &BlockPager::find)
      .def("take_wanted", [](BlockPager& pager) {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
        for (const BlockUse& one : pager.take_wanted()) taken.emplace_back(one.space, one.block);
        return taken;
      });

  py::class_<BlockSpace, std::shared_ptr<BlockSpace>>(module, "BlockSpace")
      .def(py::init(&make_space), py::arg("pager"), py::arg("name"), py::arg("starts"), py::arg("sizes"),
           py::arg("names"))
      .def_property_readonly("id", &BlockSpace::id)
      .def("is_here", &BlockSpace::is_here)
      .def("provide",
           [](BlockSpace& space, std::uint64_t block, FileHandle file) {
             const GilRelease no_gil;  // GIL released: takes a mutex that readers hold, touches no Python object
             space.provide(block, file);
           })
      .def("fail", &BlockSpace::fail, py::arg("block"), py::arg("code"), py::arg("message"))
      .def("forget_errors", &BlockSpace::forget_errors)
      .def("foresee", &BlockSpace::foresee, py::arg("block"), py::arg("next_use"))
      .def("npy",
           [](std::shared_ptr<BlockSpace> space) {
             ArrayView found;
             interruptible_here([&] { found = open_npy(mapped(std::move(space))); });
             return found;
           })
      .def("raw",
           [](std::shared_ptr<BlockSpace> space, const std::string& descr, const std::vector<std::int64_t>& shape,
              std::uint64_t offset) { return open_raw(mapped(std::move(space)), descr, shape, offset); });

  py::class_<MappedSamples, SampleSource, std::shared_ptr<MappedSamples>>(module, "MappedSamples")
      .def(py::init(&make_samples), py::arg("spaces"), py::arg("file"), py::arg("offsets"), py::arg("sizes"),
           py::arg("names"));

  module.def("block_uses", &uses_of, py::arg("columns"), py::arg("order"), py::arg("plan"), py::arg("first"),
             py::arg("count"));
}

}  // namespace fastbatch::bindings
