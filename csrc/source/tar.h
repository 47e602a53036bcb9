// SPDX-License-Identifier: MIT
// Tar archives: ustar, GNU and PAX headers. Only headers are read; nothing is ever extracted, so names may be anything.
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/mapped_file.h"
#include "source/names.h"

namespace fastbatch {

// The regular files of an archive, in its order. A hard link has the bytes of the member that it names.
struct TarMembers {
  Names names;                         // as in the archive; bytes, not necessarily UTF-8; no null bytes, not empty
  std::vector<std::uint64_t> offsets;  // of the content, in the archive
  std::vector<std::uint64_t> sizes;    // offset + size is at most the size of the archive
};

// Folders, symbolic links, devices and pipes are left out. Throws FileError; FormatError for a broken header, sparse or
// multi-volume members, an archive without its end, and one that is followed by other data.
TarMembers read_tar(const std::string& path);
TarMembers read_tar(const MappedFile& file);

}  // namespace fastbatch
