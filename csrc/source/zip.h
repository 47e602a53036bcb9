// SPDX-License-Identifier: MIT
// The directory of a zip archive, zip64 included (APPNOTE.TXT 6.3.10): the offset of each member. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/mapped_file.h"

namespace fastbatch {

struct ZipMember {
  std::string name;  // bytes as stored
  std::uint16_t flags = 0;
  std::uint16_t method = 0;  // 0 stored, 8 deflated
  std::uint32_t crc32 = 0;   // of the uncompressed bytes
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;           // uncompressed
  std::uint64_t header_offset = 0;  // offset of its local header in the file
};

// All members, in the order of the central directory. Throws FormatError.
std::vector<ZipMember> read_zip_directory(const MappedFile& file);

// The offset of the data of `member`. Throws FormatError if its local header or its size is inconsistent.
std::uint64_t find_zip_data(const MappedFile& file, const ZipMember& member);

}  // namespace fastbatch
