// SPDX-License-Identifier: MIT
#include "decode/token_array.h"

#include <cstring>
#include <stdexcept>
#include <utility>

namespace fastbatch {

TokenArray::TokenArray(ArrayView tokens, std::optional<kernels::Conversion> conversion, std::vector<std::byte> fill)
    : tokens_(std::move(tokens)), conversion_(std::move(conversion)), fill_(std::move(fill)) {
  if (tokens_.shape.size() != 1 || (tokens_.shape[0] > 1 && !std::cmp_equal(tokens_.strides[0], tokens_.itemsize)))
    throw std::invalid_argument("expected tokens in one dimension without gaps");
  if (tokens_.swap_bytes && !conversion_) throw std::invalid_argument("expected tokens in native byte order");
  if (fill_.size() != (conversion_ ? size_of(conversion_->dst) : tokens_.itemsize))
    throw std::invalid_argument("expected a fill value of the batch's type");
  if (conversion_) {
    conversion_->src = tokens_.dtype;
    conversion_->swap_bytes = tokens_.swap_bytes;
  }
}

void TokenArray::copy(std::uint64_t start, std::size_t n, std::byte* to) const noexcept {
  const std::byte* const from = tokens_.data + start * tokens_.itemsize;
  if (conversion_)
    kernels::convert(*conversion_, from, to, n);
  else if (n > 0)
    std::memcpy(to, from, n * tokens_.itemsize);
}

void TokenArray::fill(std::byte* to, std::size_t n) const noexcept {
  for (std::size_t i = 0; i < n; ++i, to += fill_.size()) std::memcpy(to, fill_.data(), fill_.size());
}

}  // namespace fastbatch
