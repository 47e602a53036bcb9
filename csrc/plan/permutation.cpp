// SPDX-License-Identifier: MIT
#include "plan/permutation.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <stdexcept>
#include <string>

namespace fastbatch {
namespace {

// Higher bits of the result depend on more bits of the digit and the key.
std::uint64_t hash(std::uint64_t digit, std::uint64_t key) noexcept {
  std::uint64_t x = (digit ^ key) * 0xBF58476D1CE4E5B9u;
  x ^= x >> 32;
  return x * 0x94D049BB133111EBu;
}

}  // namespace

Permutation::Permutation(std::uint64_t n, Stream keys) : n_(n) {
  if (n > kMaxSize) throw std::invalid_argument("a permutation of more than 2^63 items: " + std::to_string(n));
  const std::uint64_t last = n > 0 ? n - 1 : 0;
  low_bits_ = std::max(1u, static_cast<unsigned>(std::bit_width(last)) / 2);
  high_radix_ = (last >> low_bits_) + 1;
  n_rounds_ = n < 256 ? 24 : n < 65536 ? 10 : 6;
  for (std::size_t round = 0; round < n_rounds_; ++round) keys_[round] = keys.next() ^ (n * 0x9E3779B97F4A7C15u);
}

std::uint64_t Permutation::high_shift(std::uint64_t low, std::uint64_t key) const noexcept {
  return ((hash(low, key) >> 32) * high_radix_) >> 32;
}

std::uint64_t Permutation::low_shift(std::uint64_t high, std::uint64_t key) const noexcept {
  return hash(high, key) >> (64 - low_bits_);
}

std::uint64_t Permutation::once(std::uint64_t i) const noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  std::uint64_t low = i & mask;
  std::uint64_t high = i >> low_bits_;
  for (std::size_t round = 0; round < n_rounds_; round += 2) {
    high += high_shift(low, keys_[round]);
    if (high >= high_radix_) high -= high_radix_;
    low = (low + low_shift(high, keys_[round + 1])) & mask;
  }
  return high << low_bits_ | low;
}

std::uint64_t Permutation::at(std::uint64_t i) const noexcept {
  assert(i < n_);
  do i = once(i);
  while (i >= n_);
  return i;
}

std::uint64_t Permutation::inverse(std::uint64_t i) const noexcept {
  assert(i < n_);
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  do {
    std::uint64_t low = i & mask;
    std::uint64_t high = i >> low_bits_;
    for (std::size_t round = n_rounds_; round > 0; round -= 2) {
      low = (low - low_shift(high, keys_[round - 1])) & mask;
      const std::uint64_t shift = high_shift(low, keys_[round - 2]);
      high += high < shift ? high_radix_ - shift : 0 - shift;
    }
    i = high << low_bits_ | low;
  } while (i >= n_);
  return i;
}

void Permutation::at(std::span<const std::uint64_t> in, std::span<std::uint64_t> out) const noexcept {
  // The multiplications of one index depend on each other; several indices at a time hide their latency.
  constexpr std::size_t kLanes = 4;
  const std::uint64_t mask = (std::uint64_t{1} << low_bits_) - 1;
  const std::uint64_t* src = in.data();
  std::uint64_t* dst = out.data();
  std::size_t left = in.size();
  for (; left >= kLanes; left -= kLanes, src += kLanes, dst += kLanes) {
    std::uint64_t low[kLanes], high[kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      low[lane] = src[lane] & mask;
      high[lane] = src[lane] >> low_bits_;
    }
    for (std::size_t round = 0; round < n_rounds_; round += 2) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const std::uint64_t sum = high[lane] + high_shift(low[lane], keys_[round]);
        high[lane] = sum < high_radix_ ? sum : sum - high_radix_;
        low[lane] = (low[lane] + low_shift(high[lane], keys_[round + 1])) & mask;
      }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::uint64_t i = high[lane] << low_bits_ | low[lane];
      while (i >= n_) i = once(i);
      dst[lane] = i;
    }
  }
  for (std::size_t lane = 0; lane < left; ++lane) dst[lane] = at(src[lane]);
}

}  // namespace fastbatch
