// SPDX-License-Identifier: MIT
// Conversion of names to values of the core, and of bytes to text. GIL held throughout.
#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>

#include "image/resize_axis.h"

namespace fastbatch::bindings {

// Throws std::invalid_argument. The Python side has already checked the name.
inline Filter filter_named(const std::string& name) {
  if (name == "nearest") return Filter::kNearest;
  if (name == "box") return Filter::kBox;
  if (name == "bilinear") return Filter::kBilinear;
  if (name == "hamming") return Filter::kHamming;
  if (name == "bicubic") return Filter::kBicubic;
  if (name == "lanczos") return Filter::kLanczos;
  throw std::invalid_argument("filter: found " + name);
}

// Messages may contain bytes that are not UTF-8: decoded as by os.fsdecode().
inline pybind11::object decode_text(const std::string& bytes) {
  return pybind11::reinterpret_steal<pybind11::object>(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<pybind11::ssize_t>(bytes.size()), "surrogateescape"));
}

}  // namespace fastbatch::bindings
