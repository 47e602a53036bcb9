// SPDX-License-Identifier: MIT
// A digest of bytes, at memory speed: names content in tables of this process. Its key is drawn at random in each
// process, so that nobody can make a file with the digest of another one. Not to be stored. Threads: any.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fastbatch {

struct Digest {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const Digest&) const = default;
};

[[nodiscard]] Digest digest_of(std::span<const std::byte> bytes);

}  // namespace fastbatch
