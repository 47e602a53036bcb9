// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "source/block_space.h"
#include "source/copy_elements.h"
#include "source/encoded_samples.h"
#include "source/file_list.h"
#include "source/file_ranges.h"
#include "source/folder.h"
#include "source/idx.h"
#include "source/joined_samples.h"
#include "source/npy.h"
#include "source/npz.h"
#include "source/raw.h"
#include "source/tar.h"
#include "source/window.h"

namespace fastbatch::bindings {

namespace {

// A dense copy of all elements, in their own byte order.
py::array read_elements(const ArrayView& view) {
  py::array copied(py::dtype(view.descr), std::vector<py::ssize_t>(view.shape.begin(), view.shape.end()));
  auto* dst = static_cast<std::byte*>(copied.mutable_data());
  if (view.file && view.file->space()) {  // may wait for a store
    interruptible_here([&] { copy_elements(view, dst); });
    return copied;
  }
  const GilRelease no_gil;  // GIL released: writes into an array that nobody else knows yet
  copy_elements(view, dst);
  return copied;
}

py::list names_of(const std::vector<std::string>& names) {
  py::list list(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) list[i] = py::bytes(names[i]);
  return list;
}

// (files, folders, links)
py::tuple listed(const py::bytes& path, const std::vector<std::string>& extensions) {
  FolderContent content;
  {
    const std::string folder = path;
    const GilRelease no_gil;  // GIL released: the disk may be slow, touches no Python object
    content = list_folder(folder, extensions);
  }
  return py::make_tuple(names_of(content.files), names_of(content.folders), names_of(content.links));
}

// Keeps the buffer of `blob` alive; the last decoder may release it in a thread without the GIL.
std::shared_ptr<EncodedSamples> make_encoded_samples(const py::buffer& blob, const py::array& offsets,
                                                     const std::optional<std::vector<py::bytes>>& names) {
  if (!py::isinstance<py::array_t<std::uint64_t>>(offsets) || offsets.ndim() != 1) {
    throw std::invalid_argument("offsets: expected uint64 of one dimension");
  }
  const auto numbers = offsets.unchecked<std::uint64_t, 1>();
  std::vector<std::uint64_t> copied(static_cast<std::size_t>(numbers.shape(0)));
  for (py::ssize_t i = 0; i < numbers.shape(0); ++i) copied[static_cast<std::size_t>(i)] = numbers(i);
  const std::shared_ptr<py::buffer_info> held(new py::buffer_info(blob.request()), [](py::buffer_info* info) {
    if (is_finalizing()) return;  // the process ends anyway
    const py::gil_scoped_acquire gil;
    delete info;
  });
  if (PyBuffer_IsContiguous(held->view(), 'C') == 0) throw std::invalid_argument("blob: expected contiguous memory");
  const std::span bytes(static_cast<const std::byte*>(held->ptr),
                        static_cast<std::size_t>(held->size * held->itemsize));
  Names list;
  if (names) {
    for (const py::bytes& name : *names) list.add(std::string_view(name));
  }
  return std::make_shared<EncodedSamples>(bytes, std::move(copied), std::move(list), held);
}

// (names with a null byte after each, offsets, sizes)
template <typename Archive>
py::tuple tar_members(const Archive& archive) {
  TarMembers members;
  std::string names;
  interruptible_here([&] {  // the disk or a store may be slow
    members = read_tar(archive);
    for (std::size_t i = 0; i < members.names.size(); ++i) names.append(members.names[i]).push_back('\0');
  });
  const auto n = static_cast<py::ssize_t>(members.offsets.size());
  return py::make_tuple(py::bytes(names), py::array_t<std::uint64_t>(n, members.offsets.data()),
                        py::array_t<std::uint64_t>(n, members.sizes.data()));
}

using Numbers = py::array_t<std::uint64_t, py::array::c_style>;
using Identity = std::tuple<py::bytes, std::uint64_t, std::int64_t, std::uint64_t, std::uint64_t>;

// Each file: path, size, time of change in ns, inode, device.
std::shared_ptr<FileRanges> make_file_ranges(const std::vector<Identity>& files, const Numbers& file,
                                             const Numbers& offsets, const Numbers& sizes,
                                             const std::vector<py::bytes>& names) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (file.size() != offsets.size() || file.size() != sizes.size()) {
    throw std::invalid_argument("ranges: expected as many files as offsets and sizes");
  }
  std::vector<FileRanges::File> opened;
  for (const auto& [path, size, modified, inode, device] : files) {
    const std::int64_t seconds = modified / kSecond - (modified % kSecond < 0 ? 1 : 0);
    opened.push_back({path, {size, {seconds, modified - seconds * kSecond}, device, inode}});
  }
  std::vector<FileRanges::Range> ranges(static_cast<std::size_t>(file.size()));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges[i] = {offsets.data()[i], sizes.data()[i], static_cast<std::uint32_t>(file.data()[i])};
  }
  Names list;
  for (const py::bytes& name : names) list.add(std::string_view(name));
  return std::make_shared<FileRanges>(std::move(opened), std::move(ranges), std::move(list));
}

}  // namespace

void register_source(py::module_& module) {
  py::class_<ArrayView>(module, "ArrayView")
      .def_property_readonly("mapped", [](const ArrayView& view) { return view.file != nullptr; })
      .def("array", [](const ArrayView& view) { return to_array(view); })
      .def("read", &read_elements)
      .def("windows", &windows, py::arg("length"), py::arg("step"))
      .def("every", &every, py::arg("start"), py::arg("n"), py::arg("stride"));

  // A field of records in a mapped array of this package.
  module.def("view_of", [](const py::array& array) {
    ArrayView view = borrow(array);
    if (!view.file && view.n_elements() > 0) throw std::invalid_argument("expected a view of a mapped file");
    return view;
  });
  module.def("open_npy", [](const py::bytes& path) { return open_npy(std::string(path)); });
  module.def("open_idx", [](const py::bytes& path) { return open_idx(std::string(path)); });
  module.def("open_raw", [](const py::bytes& path, const std::string& descr, const std::vector<std::int64_t>& shape,
                            std::uint64_t offset) { return open_raw(std::string(path), descr, shape, offset); });

  module.def("list_folder", &listed);
  module.def("tar_members", [](const py::bytes& path) { return tar_members(std::string(path)); });
  module.def("tar_members",
             [](std::shared_ptr<BlockSpace> space) { return tar_members(MappedFile(std::move(space))); });

  py::class_<NpzFile>(module, "NpzFile")
      .def(py::init([](const py::bytes& path) { return NpzFile(std::string(path)); }))
      .def_property_readonly("names",
                             [](const NpzFile& file) {
                               std::vector<std::string> names;
                               for (std::size_t i = 0; i < file.size(); ++i) names.push_back(file.name(i));
                               return names;
                             })
      .def("open", [](const NpzFile& file, std::size_t i) {
        const GilRelease no_gil;  // GIL released: may inflate a large member, touches no Python object
        return file.open(i);
      });

  py::class_<SampleSource, std::shared_ptr<SampleSource>>(module, "SampleSource")
      .def("__len__", &SampleSource::size)
      .def("name", [](const SampleSource& source, std::uint64_t i) {
        if (i >= source.size()) throw py::index_error();
        return py::bytes(source.name(i));
      });

  py::class_<FileList, SampleSource, std::shared_ptr<FileList>>(module, "FileList")
      .def(py::init([](const py::list& paths) {
        auto files = std::make_shared<FileList>();
        for (const py::handle path : paths) files->add(std::string_view(py::reinterpret_borrow<py::bytes>(path)));
        return files;
      }))
      .def("__getitem__", [](const FileList& files, std::size_t i) {
        if (i >= files.size()) throw py::index_error();
        return py::bytes(files[i].data(), files[i].size());
      });

  py::class_<FileRanges, SampleSource, std::shared_ptr<FileRanges>>(module, "FileRanges")
      .def(py::init(&make_file_ranges), py::arg("files"), py::arg("file"), py::arg("offsets"), py::arg("sizes"),
           py::arg("names"));

  py::class_<JoinedSamples, SampleSource, std::shared_ptr<JoinedSamples>>(module, "JoinedSamples")
      .def(py::init([](const std::vector<std::shared_ptr<SampleSource>>& parts, const Numbers& order) {
             const std::span numbers(order.data(), static_cast<std::size_t>(order.size()));
             return std::make_shared<JoinedSamples>(
                 std::vector<std::shared_ptr<const SampleSource>>(parts.begin(), parts.end()),
                 std::vector<std::uint64_t>(numbers.begin(), numbers.end()));
           }),
           py::arg("parts"), py::arg("order"));

  py::class_<EncodedSamples, SampleSource, std::shared_ptr<EncodedSamples>>(module, "EncodedSamples")
      .def(py::init(&make_encoded_samples), py::arg("blob"), py::arg("offsets"), py::arg("names") = py::none());
}

}  // namespace fastbatch::bindings
