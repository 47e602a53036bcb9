// SPDX-License-Identifier: MIT
// Any bytes as a .npz file, and as a member of one: FormatError, or views that lie inside the file or their own memory.
#include "fuzz_view.h"
#include "source/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fastbatch;
  static const testing::MemoryFile file;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  // A fuzzer finds no checksums: the second archive is sound up to the member's own bytes.
  for (const std::string& contents : {bytes, testing::zip({{"x.npy", bytes, 0}, {"y.npy", bytes, 8}})}) {
    const std::string& path = file.write(contents);
    testing::expect_format_error_only([&] {
      const NpzFile archive(path);
      for (std::size_t i = 0; i < archive.size(); ++i) {
        testing::expect_format_error_only([&] { testing::check_view(archive.open(i)); });
      }
    });
  }
  return 0;
}
