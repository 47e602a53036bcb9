// SPDX-License-Identifier: MIT
// Parses NumPy's type strings: "<f4", "|S5", ">M8[ns]". Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/dtype.h"
#include "common/error.h"

namespace fastbatch {

struct ElementType {
  DType dtype = DType::kOpaque;
  std::size_t itemsize = 0;   // bytes, at least 1
  bool swap_bytes = false;    // stored in the byte order opposite to this machine's
  std::size_t swap_unit = 1;  // bytes that are reversed together: 8 for ">c16", 4 for ">U7"; 1 without byte order
  std::string descr;          // as numpy.dtype.str, with byte order
};

// Throws FormatError at `where` for an invalid type string, Python objects (unpickling runs code), records, or a size
// of zero. `prefix` begins the message.
ElementType parse_descr(std::string_view descr, const Where& where, const std::string& prefix = "");

}  // namespace fastbatch
