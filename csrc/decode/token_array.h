// SPDX-License-Identifier: MIT
// Tokens in one dimension, as elements of a batch: converted if the batch is of another type, and what fills up.
// Threads: immutable, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/kernels.h"
#include "source/array_view.h"

namespace fastbatch {

class TokenArray {
 public:
  // `fill` has the bytes of one element of the batch. Throws std::invalid_argument.
  TokenArray(ArrayView tokens, std::optional<kernels::Conversion> conversion, std::vector<std::byte> fill);

  [[nodiscard]] const ArrayView& view() const noexcept { return tokens_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return tokens_.shape[0]; }
  [[nodiscard]] std::size_t element_bytes() const noexcept { return fill_.size(); }
  // Whether reads may wait for blocks of an object in a store.
  [[nodiscard]] bool is_remote() const noexcept { return tokens_.file && tokens_.file->space(); }

  // Within read_on_trip(view(), ...).
  void copy(std::uint64_t start, std::size_t n, std::byte* to) const noexcept;
  // Writes `n` elements that fill up.
  void fill(std::byte* to, std::size_t n) const noexcept;

 private:
  ArrayView tokens_;
  std::optional<kernels::Conversion> conversion_;
  std::vector<std::byte> fill_;
};

}  // namespace fastbatch
