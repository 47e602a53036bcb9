// SPDX-License-Identifier: MIT
#include "common/digest.h"

#include <array>
#include <cstring>
#include <random>

namespace fastbatch {
namespace {

constexpr std::size_t kLanes = 4;
constexpr std::size_t kBlockBytes = kLanes * 2 * sizeof(std::uint64_t);

using Lanes = std::array<std::uint64_t, kLanes>;

struct Key {
  Lanes first{}, second{};
};

const Key& key() {
  static const Key drawn = [] {
    std::random_device device;
    const auto number = [&] { return std::uint64_t{device()} << 32U | device(); };
    Key made;
    for (std::size_t i = 0; i < kLanes; ++i) made.first[i] = number(), made.second[i] = number();
    return made;
  }();
  return drawn;
}

// Both halves of the product.
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

void add_block(const Key& keys, const std::byte* block, Lanes& lanes) noexcept {
  std::array<std::uint64_t, 2 * kLanes> words;
  std::memcpy(words.data(), block, kBlockBytes);
  for (std::size_t i = 0; i < kLanes; ++i) {
    lanes[i] = multiply(words[2 * i] ^ keys.first[i], words[2 * i + 1] ^ lanes[i]);
  }
}

}  // namespace

Digest digest_of(std::span<const std::byte> bytes) {
  const Key& keys = key();
  Lanes lanes = keys.second;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kBlockBytes; at += kBlockBytes, left -= kBlockBytes) add_block(keys, at, lanes);
  std::array<std::byte, kBlockBytes> rest{};
  if (left != 0) std::memcpy(rest.data(), at, left);
  add_block(keys, rest.data(), lanes);
  const std::uint64_t size = bytes.size();
  const std::uint64_t left_half = multiply(lanes[0] ^ keys.first[1], lanes[1] ^ size);
  const std::uint64_t right_half = multiply(lanes[2] ^ keys.first[3], lanes[3] ^ keys.second[0]);
  return {multiply(left_half ^ keys.second[1], right_half ^ keys.first[0]),
          multiply(left_half ^ keys.first[2], right_half ^ keys.second[2])};
}

}  // namespace fastbatch
