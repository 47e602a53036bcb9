// SPDX-License-Identifier: MIT
// Conversion between the core's memory and NumPy arrays. GIL held throughout.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "batch/buffer_pool.h"
#include "source/array_view.h"

namespace fastbatch::bindings {

namespace py = pybind11;

inline constexpr const char* kViewCapsule = "fastbatch.ArrayView";

// A Python object that keeps a C++ value alive, for use as an array's base.
template <typename Owner>
py::capsule keep_alive(Owner owner, const char* name = nullptr) {
  auto held = std::make_unique<Owner>(std::move(owner));
  py::capsule capsule(held.get(), name, [](void* pointer) { delete static_cast<Owner*>(pointer); });
  static_cast<void>(held.release());  // the capsule's now
  return capsule;
}

// A writable array that owns its lease: the buffer returns to the pool when its last view is destroyed.
inline py::array to_array(Lease lease, const py::dtype& dtype, const std::vector<py::ssize_t>& shape) {
  std::byte* data = lease.data();
  return py::array(dtype, shape, data, keep_alive(std::move(lease)));
}

// A read-only array of a source's elements, in place.
inline py::array to_array(const ArrayView& view) {
  const py::dtype dtype(view.descr);
  std::vector<py::ssize_t> shape(view.shape.begin(), view.shape.end());
  std::vector<py::ssize_t> strides(view.strides.begin(), view.strides.end());
  py::array array =
      view.n_elements() == 0  // the file may end where they would begin: memory of their own
          ? py::array(dtype, std::move(shape))
          : py::array(dtype, std::move(shape), std::move(strides), view.data, keep_alive(view, kViewCapsule));
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

// The mapping of ours that an array is a view of, so that the core reads it through the guard; or null.
inline std::shared_ptr<const MappedFile> mapping_of(py::handle array) {
  py::object owner = py::reinterpret_borrow<py::object>(array);
  while (py::isinstance<py::array>(owner)) owner = owner.attr("base");
  if (PyCapsule_IsValid(owner.ptr(), kViewCapsule) == 0) return nullptr;
  return static_cast<const ArrayView*>(PyCapsule_GetPointer(owner.ptr(), kViewCapsule))->file;
}

// A view of the caller's array; the user of the view keeps the array alive.
inline ArrayView borrow(const py::array& array) {
  const auto descr = array.dtype().attr("str").cast<std::string>();
  const ElementType element = parse_descr(descr, Where{});
  ArrayView view;
  view.data = static_cast<const std::byte*>(array.data());
  view.dtype = element.dtype;
  view.itemsize = static_cast<std::size_t>(array.itemsize());
  view.swap_bytes = element.swap_bytes;
  view.swap_unit = element.swap_unit;
  view.descr = descr;
  view.shape.assign(array.shape(), array.shape() + array.ndim());
  view.strides.assign(array.strides(), array.strides() + array.ndim());
  view.file = mapping_of(array);
  if (view.file) view.path = view.file->path();
  return view;
}

}  // namespace fastbatch::bindings
