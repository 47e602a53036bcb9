// SPDX-License-Identifier: MIT
// Array arguments: types that convert their argument, and checks. GIL held throughout.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>

namespace fastbatch::bindings {

// Dense; other types and layouts are copied.
template <typename T>
using ArrayOf = pybind11::array_t<T, pybind11::array::c_style | pybind11::array::forcecast>;
using Doubles = ArrayOf<double>;
using Floats = ArrayOf<float>;
using Flags = ArrayOf<bool>;
using Indices = ArrayOf<std::uint64_t>;
using SignedIndices = ArrayOf<std::int64_t>;

inline std::span<const std::uint64_t> span_of(const Indices& indices) {
  return {indices.data(), static_cast<std::size_t>(indices.size())};
}

inline std::span<std::uint64_t> span_of(Indices& indices) {
  return {indices.mutable_data(), static_cast<std::size_t>(indices.size())};
}

inline void require(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

inline bool is_contiguous(const pybind11::array& array) { return (array.flags() & pybind11::array::c_style) != 0; }

inline bool has_shape(const pybind11::array& array, std::initializer_list<pybind11::ssize_t> shape) {
  return array.ndim() == static_cast<pybind11::ssize_t>(shape.size()) &&
         std::equal(shape.begin(), shape.end(), array.shape());
}

}  // namespace fastbatch::bindings
