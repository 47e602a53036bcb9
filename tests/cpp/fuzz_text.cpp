// SPDX-License-Identifier: MIT
// Any bytes as text: all targets and all block sizes find the same items, and the same place of what is no text.
#include "fuzz_view.h"
#include "text/files.h"
#include "text/items.h"

namespace {

using namespace fastbatch;

struct Found {
  std::vector<std::string> items;
  std::string error;
  bool operator==(const Found&) const = default;
};

Found items_of(const std::string& path, const TextFormat& format) {
  TextFiles source(std::make_shared<const std::vector<std::string>>(std::vector<std::string>{path}), format);
  Found found;
  for (TextBlock block; found.error.empty() && (block.clear(), source.read(block));) {
    find_items(block, format, source);
    for (std::size_t i = 0; i < block.n_items; ++i) {
      const char* text = reinterpret_cast<const char*>(block.text.data());
      found.items.emplace_back(text + block.spans[2 * i], text + block.spans[2 * i + 1]);
    }
    try {
      if (block.error) std::rethrow_exception(block.error);
    } catch (const EncodingError& error) {
      found.error = error.what();
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const testing::MemoryFile file;
  if (size < 2) return 0;
  const auto item = static_cast<TextItem>(data[0] % 2);
  const auto encoding = static_cast<TextEncoding>(data[0] / 2 % 4);
  const auto errors = static_cast<TextErrors>(data[0] / 8 % 5);
  const std::size_t block_size = 1 + data[1] % 32;
  const std::string& path = file.write(std::string(reinterpret_cast<const char*>(data) + 2, size - 2));
  const Found whole = items_of(path, {item, encoding, errors, 1 << 20});
  if (items_of(path, {item, encoding, errors, block_size}) != whole) __builtin_trap();
  return 0;
}
