// SPDX-License-Identifier: MIT
// IDX files (MNIST and its kin): a big-endian header, then the elements; mapped, or inflated when the file is gzip.
// Threads: any.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "source/array_view.h"

namespace fastbatch {

// Whether a file that begins with `head` (4 bytes are enough) is an IDX file.
bool is_idx_magic(std::span<const std::byte> head);

// gzip is recognised by content, not by name. Throws FileError, FormatError.
ArrayView open_idx(const std::string& path);
ArrayView open_idx(std::shared_ptr<const MappedFile> file);

}  // namespace fastbatch
