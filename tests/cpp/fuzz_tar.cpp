// SPDX-License-Identifier: MIT
// Any bytes as a tar archive: FormatError, or members that lie inside the file.
#include <algorithm>
#include <cstdio>

#include "fuzz_view.h"
#include "source/tar.h"

namespace {

// A fuzzer finds no checksums: each block gets its own, as if it were a header.
std::string with_checksums(std::string bytes) {
  for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
    char* const block = bytes.data() + at;
    if (std::all_of(block, block + 512, [](char byte) { return byte == 0; })) continue;
    std::fill_n(block + 148, 8, ' ');
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(block[i]);
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    std::copy_n(digits, 7, block + 148);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fastbatch;
  static const testing::MemoryFile file;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string& contents : {bytes, with_checksums(bytes)}) {
    const std::string& path = file.write(contents);
    testing::expect_format_error_only([&] {
      const TarMembers members = read_tar(path);
      if (members.names.size() != members.offsets.size() || members.names.size() != members.sizes.size()) std::abort();
      for (std::size_t i = 0; i < members.offsets.size(); ++i) {
        const bool lies_inside =
            members.offsets[i] <= contents.size() && members.sizes[i] <= contents.size() - members.offsets[i];
        if (!lies_inside || members.names[i].empty() || members.names[i].find('\0') != std::string::npos) std::abort();
      }
    });
  }
  return 0;
}
