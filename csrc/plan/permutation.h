// SPDX-License-Identifier: MIT
// A computed shuffle: a keyed bijection on [0, n) in O(1) time and memory, in both directions.
//
// x is split into the digits (low, high), high in radix b and low in radix a = 2^k, with a about sqrt(n) and
// a * b >= n. Every round adds a keyed hash of one digit to the other (a Feistel network with unequal digits: Black and
// Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). This permutes [0, a * b). Results >= n are permuted
// again ("cycle walking") until they are below n: a * b / n times on average, which is close to one.
//
// Number of rounds, for an ideal hash: two samples that share their low digit keep their distance with probability
// (1 + 1 / a^(rounds / 2 - 2)) / n instead of 1 / n. For n >= 2^16 (a >= 256), 6 rounds make the excess less than half
// a percent; for n >= 2^8 (a >= 16), 10 rounds less than 0.03 percent. Digits with two or three values mix slowest: the
// distance from a uniform choice among all n! orders shrinks by a factor of 0.5 (n = 4) to 0.7 (n = 6) per round; after
// the 24 rounds used for small n it is below 0.0004. tests/test_shuffle_quality.py measures all this.
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

  // Permutation of [0, n), n <= 2^63 (else std::invalid_argument). The same keys with another n: an unrelated one.
  Permutation(std::uint64_t n, Stream keys);

  [[nodiscard]] std::uint64_t size() const noexcept { return n_; }
  [[nodiscard]] std::uint64_t at(std::uint64_t i) const noexcept;       // i < n
  [[nodiscard]] std::uint64_t inverse(std::uint64_t i) const noexcept;  // inverse(at(i)) == i

  // out[j] = at(in[j]); equal lengths, `out` may be `in`. Several times faster than single calls.
  void at(std::span<const std::uint64_t> in, std::span<std::uint64_t> out) const noexcept;

 private:
  static constexpr std::size_t kMaxRounds = 24;

  [[nodiscard]] std::uint64_t once(std::uint64_t i) const noexcept;  // on [0, a * b), without cycle walking
  [[nodiscard]] std::uint64_t low_shift(std::uint64_t high, std::uint64_t key) const noexcept;
  [[nodiscard]] std::uint64_t high_shift(std::uint64_t low, std::uint64_t key) const noexcept;

  std::uint64_t n_;
  unsigned low_bits_;         // k
  std::uint64_t high_radix_;  // b, at most 2^32
  std::size_t n_rounds_;      // even, so that both digits are changed equally often
  std::array<std::uint64_t, kMaxRounds> keys_{};
};

}  // namespace fastbatch
