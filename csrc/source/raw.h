// SPDX-License-Identifier: MIT
// Raw binary files: elements from an offset, without a header. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/array_view.h"

namespace fastbatch {

// `descr`: a NumPy type string. The first dimension may be -1: as many rows as the file holds, which must be whole.
// Without -1 the file may be longer than the array. Throws FileError, FormatError.
ArrayView open_raw(std::shared_ptr<const MappedFile> file, std::string_view descr,
                   const std::vector<std::int64_t>& shape, std::uint64_t offset);
ArrayView open_raw(const std::string& path, std::string_view descr, const std::vector<std::int64_t>& shape,
                   std::uint64_t offset = 0);

}  // namespace fastbatch
