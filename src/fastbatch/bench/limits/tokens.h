// SPDX-License-Identifier: MIT
// The limit of token files: contexts of uint16 become int64, and so do the same contexts one token further on.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "common.h"

namespace limits {

class Widen : public Limit {
 public:
  explicit Widen(const Options& options)
      : threads_(options.number("threads")),
        context_(options.number("row-bytes") / sizeof(std::uint16_t)),
        n_(options.number("samples")),
        offset_(options.number("offset", 0)),
        batch_(options.number("batch")),
        slots_(options.number("ring", 4) * batch_),
        shuffled_(options.text("order", "sequential") == "shuffled"),
        file_(options.text("file")),
        x_(slots_ * context_ * sizeof(std::int64_t)),
        y_(slots_ * context_ * sizeof(std::int64_t)) {
    if (file_.size() < offset_ + (n_ * context_ + 1) * sizeof(std::uint16_t))
      throw std::invalid_argument("the file is shorter than its contexts");
    prepare();
  }
  void prepare() override { renew_order(order_, n_, shuffled_, random_); }

  std::size_t epoch() override {
    const auto* tokens = reinterpret_cast<const std::uint16_t*>(file_.data() + offset_);
    share((n_ + batch_ - 1) / batch_, threads_, [&](std::size_t unit, std::size_t) {
      for (std::size_t i = unit * batch_; i < std::min((unit + 1) * batch_, n_); ++i) {
        const std::size_t slot = i % slots_ * context_;
        if (i + 1 < n_) {
          const auto* coming = reinterpret_cast<const char*>(tokens + order_[i + 1] * context_);
          for (std::size_t at = 0; at < context_ * sizeof(std::uint16_t); at += 64)
            __builtin_prefetch(coming + at, 0, 2);
        }
        widen(tokens + order_[i] * context_, reinterpret_cast<std::int64_t*>(x_.data()) + slot);
        widen(tokens + order_[i] * context_ + 1, reinterpret_cast<std::int64_t*>(y_.data()) + slot);
      }
    });
    return n_;
  }

 private:
  void widen(const std::uint16_t* from, std::int64_t* to) const {
    std::size_t i = 0;
#if defined(__AVX512F__)
    for (; i + 8 <= context_; i += 8) {
      const __m128i narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      _mm512_storeu_si512(to + i, _mm512_cvtepu16_epi64(narrow));
    }
#elif defined(__AVX2__)
    for (; i + 4 <= context_; i += 4) {
      const __m128i narrow = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + i));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_cvtepu16_epi64(narrow));
    }
#endif
    for (; i < context_; ++i) to[i] = from[i];
  }

  std::size_t threads_, context_, n_, offset_, batch_, slots_;
  bool shuffled_;
  MappedFile file_;
  Ring x_, y_;
  std::vector<std::size_t> order_;
  std::mt19937_64 random_{1};
};

}  // namespace limits
