// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <string>

#include "bindings/gil.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "source/content.h"
#include "source/file_list.h"
#include "source/folder.h"
#include "source/idx.h"
#include "source/npy.h"
#include "source/npz.h"
#include "source/raw.h"
#include "source/window.h"

namespace fastbatch::bindings {

namespace {

const char* content_name(Content content) {
  switch (content) {
    case Content::kEmpty: return "empty";
    case Content::kNpy: return "npy";
    case Content::kZip: return "npz";
    case Content::kIdx: return "idx";
    case Content::kGzipIdx: return "idx";
    case Content::kGzip: return "gzip";
    case Content::kJpeg: return "jpeg";
    case Content::kUnknown: break;
  }
  return "unknown";
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

}  // namespace

void register_source(py::module_& module) {
  py::class_<ArrayView>(module, "ArrayView")
      .def_property_readonly("mapped", [](const ArrayView& view) { return view.file != nullptr; })
      .def("array", [](const ArrayView& view) { return to_array(view); })
      .def("windows", &windows, py::arg("length"), py::arg("step"))
      .def("every", &every, py::arg("start"), py::arg("n"), py::arg("stride"));

  module.def("open_npy", [](const py::bytes& path) { return open_npy(std::string(path)); });
  module.def("open_idx", [](const py::bytes& path) { return open_idx(std::string(path)); });
  module.def("open_raw", [](const py::bytes& path, const std::string& descr, const std::vector<std::int64_t>& shape,
                            std::uint64_t offset) { return open_raw(std::string(path), descr, shape, offset); });
  module.def("recognise", [](const py::bytes& path) { return content_name(recognise_file(std::string(path))); });

  module.def("list_folder", &listed);

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

  py::class_<FileList, std::shared_ptr<FileList>>(module, "FileList")
      .def(py::init([](const py::list& paths) {
        auto files = std::make_shared<FileList>();
        for (const py::handle path : paths) files->add(std::string_view(py::reinterpret_borrow<py::bytes>(path)));
        return files;
      }))
      .def("__len__", &FileList::size)
      .def("__getitem__", [](const FileList& files, std::size_t i) {
        if (i >= files.size()) throw py::index_error();
        return py::bytes(files[i].data(), files[i].size());
      });
}

}  // namespace fastbatch::bindings
