// SPDX-License-Identifier: MIT
// Any bytes as a .npy file: FormatError, or a view that lies inside the file.
#include "fuzz_view.h"
#include "source/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fastbatch;
  static const testing::MemoryFile file;
  const std::string& path = file.write({reinterpret_cast<const char*>(data), size});
  testing::expect_format_error_only([&] { testing::check_view(open_npy(path)); });
  return 0;
}
