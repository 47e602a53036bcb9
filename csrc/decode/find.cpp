// SPDX-License-Identifier: MIT
#include "decode/find.h"

#include <stdexcept>
#include <string>

namespace fastbatch {

std::vector<std::uint64_t> find_all(const Decoder& blocks, std::int64_t value) {
  const std::size_t slot = blocks.slot_bytes();
  if (slot % sizeof(std::int64_t) != 0)
    throw std::invalid_argument("expected blocks of 8-byte integers, found blocks of " + std::to_string(slot) +
                                " bytes");
  std::vector<std::int64_t> numbers(slot / sizeof(std::int64_t));
  std::vector<std::uint64_t> places;
  const auto workspace = blocks.workspace();
  for (std::uint64_t i = 0; i < blocks.size(); ++i) {
    std::size_t failed_at = 0;
    blocks.decode({&i, 1}, {}, reinterpret_cast<std::byte*>(numbers.data()), *workspace, failed_at);
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      if (numbers[j] == value) places.push_back(i * numbers.size() + j);
    }
  }
  return places;
}

}  // namespace fastbatch
