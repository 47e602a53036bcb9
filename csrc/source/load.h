// SPDX-License-Identifier: MIT
// Loads integers of file headers, at any alignment. The caller has checked the bounds. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fastbatch {

template <typename Integer>
constexpr Integer load_little(std::span<const std::byte> bytes, std::size_t offset) {
  Integer value = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;) {
    value =
        static_cast<Integer>((static_cast<std::uint64_t>(value) << 8) | std::to_integer<Integer>(bytes[offset + i]));
  }
  return value;
}

template <typename Integer>
constexpr Integer load_big(std::span<const std::byte> bytes, std::size_t offset) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value =
        static_cast<Integer>((static_cast<std::uint64_t>(value) << 8) | std::to_integer<Integer>(bytes[offset + i]));
  }
  return value;
}

}  // namespace fastbatch
