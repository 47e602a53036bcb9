// SPDX-License-Identifier: MIT
#include "codecs/webp.h"
#include "fuzz_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fastbatch::test::fuzz_reader<fastbatch::WebpReader>({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
