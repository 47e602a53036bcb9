// SPDX-License-Identifier: MIT
// A shuffle that is computed, not stored: a keyed bijection on [0, n), any place in O(1), both ways.
//
// x is written as (low, high), high in radix b and low in radix a = 2^k, with a about sqrt(n) and a * b >= n. Every
// round adds a keyed hash of one digit to the other (a Feistel network with unequal digits: Black and Rogaway, "Ciphers
// with arbitrary finite domains", CT-RSA 2002). That permutes [0, a * b); results >= n are sent round again ("cycle
// walking") until they land inside, after a * b / n trips on average: hardly more than one.
//
// Rounds, were the hash ideal: two samples that share their low digit keep their distance with a chance of
// (1 + 1 / a^(rounds / 2 - 2)) / n instead of 1 / n. From n = 2^16 on (a >= 256) 6 rounds make that less than half a
// percent too likely, from n = 2^8 on (a >= 16) 10 rounds less than 0.03 percent. Digits of two or three values mix
// slowest: the distance from a uniform choice among all n! orders shrinks by 0.5 (n = 4) to 0.7 (n = 6) a round; after
// the 24 rounds that small n get it is below 0.0004. tests/test_shuffle_quality.py measures all this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/philox.h"

namespace fastbatch {

// Threads: immutable once built; any thread.
class Permutation {
 public:
  static constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 63;

  // Of [0, n), n <= 2^63 (else std::invalid_argument). The same keys with another n give an unrelated permutation.
  Permutation(std::uint64_t n, Stream keys);

  [[nodiscard]] std::uint64_t size() const noexcept { return n_; }
  [[nodiscard]] std::uint64_t at(std::uint64_t i) const noexcept;       // i < n
  [[nodiscard]] std::uint64_t inverse(std::uint64_t i) const noexcept;  // inverse(at(i)) == i

  // out[j] = at(in[j]); as long as each other, `out` may be `in`. Several times faster than one by one.
  void at(std::span<const std::uint64_t> in, std::span<std::uint64_t> out) const noexcept;

 private:
  static constexpr std::size_t kMaxRounds = 24;

  [[nodiscard]] std::uint64_t once(std::uint64_t i) const noexcept;  // on [0, a * b), without the walk
  [[nodiscard]] std::uint64_t low_shift(std::uint64_t high, std::uint64_t key) const noexcept;
  [[nodiscard]] std::uint64_t high_shift(std::uint64_t low, std::uint64_t key) const noexcept;

  std::uint64_t n_;
  unsigned low_bits_;         // k
  std::uint64_t high_radix_;  // b, at most 2^32
  std::size_t n_rounds_;      // even: both digits are changed equally often
  std::array<std::uint64_t, kMaxRounds> keys_{};
};

}  // namespace fastbatch
