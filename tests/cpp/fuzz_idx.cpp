// SPDX-License-Identifier: MIT
// Any bytes as an IDX file, plain or gzip: FormatError, or a view that lies inside the file or its own memory.
#include "fuzz_view.h"
#include "source/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fastbatch;
  static const testing::MemoryFile file;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  // As it is, and as what is inside a gzip file: a fuzzer finds no checksums.
  for (const std::string& contents : {bytes, testing::gzip(bytes)}) {
    const std::string& path = file.write(contents);
    testing::expect_format_error_only([&] { testing::check_view(open_idx(path)); });
  }
  return 0;
}
