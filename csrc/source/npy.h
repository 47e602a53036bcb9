// SPDX-License-Identifier: MIT
// NumPy's .npy files, versions 1.0 to 3.0 (NEP 1): a header, then the elements, mapped in place.
// Supported: bool, integers, floats, complex, long double, S/U/V strings, dates; both byte orders; C and Fortran order.
// Rejected: Python objects and pickles (reading them runs code), records. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/array_view.h"

namespace fastbatch {

struct NpyHeader {
  ElementType element;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;  // from the start of the file or member
  std::uint64_t data_bytes = 0;   // size of the elements
};

// Bytes from the start of a file that parse_npy_header() may read.
inline constexpr std::size_t kNpyHeaderLimit = 65536 + 12;

// Parses the header of a file or member of `size` bytes. `head`: all of it, or at least the first kNpyHeaderLimit
// bytes. Throws FormatError at `where`, with offsets relative to where.offset; `prefix` begins the message.
NpyHeader parse_npy_header(std::span<const std::byte> head, std::uint64_t size, const Where& where,
                           const std::string& prefix = "");

// The array of a .npy file. Throws FileError, FormatError.
ArrayView open_npy(const std::string& path);
ArrayView open_npy(std::shared_ptr<const MappedFile> file);

}  // namespace fastbatch
