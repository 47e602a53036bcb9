// SPDX-License-Identifier: MIT
// IDX files (the format of MNIST): a big-endian header, then the elements. Mapped, or inflated if gzip.
// Threads: any.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "source/array_view.h"

namespace fastbatch {

// True if a file with these first bytes (at least 4) is an IDX file.
bool is_idx_magic(std::span<const std::byte> head);

// Recognises gzip by content, not by name. Throws FileError, FormatError.
ArrayView open_idx(const std::string& path);
ArrayView open_idx(std::shared_ptr<const MappedFile> file);

}  // namespace fastbatch
