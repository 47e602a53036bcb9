// SPDX-License-Identifier: MIT
// The conversion of C++ exceptions to Python's. The classes are defined in src/fastbatch/errors.py.
#include <pybind11/pybind11.h>

#include <exception>
#include <new>
#include <stdexcept>

#include "bindings/errors.h"
#include "bindings/names.h"
#include "bindings/register.h"
#include "common/error.h"
#include "text/items.h"

namespace fastbatch::bindings {

namespace py = pybind11;

namespace {

template <typename Number>
py::object number_or_none(const std::optional<Number>& number) {
  return number ? py::object(py::int_(*number)) : py::none();
}

void raise_error(const char* name, const Error& error) {
  const py::object type = py::module_::import("fastbatch.errors").attr(name);
  const Where& where = error.where();
  const py::object path = where.path.empty() ? py::object(py::none()) : decode_text(where.path);
  const py::object instance =
      type(decode_text(error.message()), py::arg("path") = path, py::arg("sample") = number_or_none(where.sample),
           py::arg("offset") = number_or_none(where.offset));
  PyErr_SetObject(type.ptr(), instance.ptr());
}

void raise_encoding_error(const EncodingError& error) {
  const py::object type = py::module_::import("fastbatch.errors").attr("EncodingError");
  const py::object instance =
      type(error.encoding(), py::bytes(error.bytes()), error.reason(),
           py::arg("path") = decode_text(error.where().path), py::arg("offset") = number_or_none(error.where().offset));
  PyErr_SetObject(type.ptr(), instance.ptr());
}

void raise_os_error(const FileError& error) {
  // Python selects the subclass of OSError(errno, ...), such as FileNotFoundError.
  const py::object instance = py::reinterpret_borrow<py::object>(PyExc_OSError)(
      error.code(), decode_text(error.message()), decode_text(error.where().path));
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(instance.ptr())), instance.ptr());
}

void translate(std::exception_ptr pointer) {
  if (!pointer) return;
  try {
    std::rethrow_exception(pointer);
  } catch (const EncodingError& error) {
    raise_encoding_error(error);
  } catch (const FormatError& error) {
    raise_error("FormatError", error);
  } catch (const DecodeError& error) {
    raise_error("DecodeError", error);
  } catch (const FileError& error) {
    raise_os_error(error);
  } catch (const ClosedError& error) {
    py::set_error(py::module_::import("fastbatch.errors").attr("ClosedError"), error.what());
  } catch (const std::invalid_argument& error) {
    py::set_error(PyExc_ValueError, error.what());
  } catch (const std::length_error& error) {
    py::set_error(PyExc_MemoryError, error.what());
  } catch (const std::bad_alloc&) {
    py::set_error(PyExc_MemoryError, "out of memory for a batch");
  }
}

}  // namespace

py::tuple describe(const std::exception_ptr& pointer) {
  const auto tuple = [](const char* kind, const Error& error, const py::object& number) {
    const std::string& path = error.where().path;
    return py::make_tuple(kind, path.empty() ? py::object(py::none()) : decode_text(path), decode_text(error.message()),
                          number);
  };
  try {
    std::rethrow_exception(pointer);
  } catch (const FormatError& error) {
    return tuple("FormatError", error, number_or_none(error.where().offset));
  } catch (const FileError& error) {
    return tuple("OSError", error, py::int_(error.code()));
  } catch (const Error& error) {
    return tuple("DecodeError", error, number_or_none(error.where().offset));
  }
}

void register_errors(py::module_& /*module*/) { py::register_exception_translator(&translate); }

}  // namespace fastbatch::bindings
