// SPDX-License-Identifier: MIT
// Limit of normalising images: uint8 HWC of a mapped file -> float32 CHW in a ring of batch buffers.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "common.h"

namespace limits {

struct Normalise {
  float scale[3];
  float shift[3];
};

inline void one_by_one(const std::uint8_t* src, float* dst, std::size_t first, std::size_t pixels,
                       const Normalise& to) {
  for (std::size_t i = first; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      dst[c * pixels + i] = static_cast<float>(src[3 * i + c]) * to.scale[c] + to.shift[c];
    }
  }
}

#if defined(__AVX2__)
// The bytes of one channel of 16 interleaved pixels, from the three 16-byte parts that hold them.
inline __m128i channel(__m128i a, __m128i b, __m128i c, int which) {
  alignas(16) signed char from[3][16];
  for (int i = 0; i < 16; ++i) {
    const int byte = 3 * i + which;
    for (int part = 0; part < 3; ++part) from[part][i] = static_cast<signed char>(byte / 16 == part ? byte % 16 : -128);
  }
  const auto pick = [&](__m128i v, int part) {
    return _mm_shuffle_epi8(v, _mm_load_si128(reinterpret_cast<const __m128i*>(from[part])));
  };
  return _mm_or_si128(_mm_or_si128(pick(a, 0), pick(b, 1)), pick(c, 2));
}
#endif

// `streaming` stores go round the caches: faster to write, slower for whoever reads the batch next.
template <bool streaming>
void normalise(const std::uint8_t* src, float* dst, std::size_t pixels, const Normalise& to) {
  std::size_t i = 0;
#if defined(__AVX512F__) && defined(__AVX512BW__)
  if (reinterpret_cast<std::uintptr_t>(dst) % 64 == 0 && pixels % 16 == 0) {
    for (; i < pixels; i += 16) {
      const auto* at = reinterpret_cast<const __m128i*>(src + 3 * i);
      const __m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1), c = _mm_loadu_si128(at + 2);
      for (int which = 0; which < 3; ++which) {
        const __m512 value = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(channel(a, b, c, which)));
        const __m512 result = _mm512_fmadd_ps(value, _mm512_set1_ps(to.scale[which]), _mm512_set1_ps(to.shift[which]));
        float* out = dst + static_cast<std::size_t>(which) * pixels + i;
        if constexpr (streaming)
          _mm512_stream_ps(out, result);
        else
          _mm512_store_ps(out, result);
      }
    }
  }
#elif defined(__AVX2__)
  if (reinterpret_cast<std::uintptr_t>(dst) % 32 == 0 && pixels % 16 == 0) {
    for (; i < pixels; i += 16) {
      const auto* at = reinterpret_cast<const __m128i*>(src + 3 * i);
      const __m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1), c = _mm_loadu_si128(at + 2);
      for (int which = 0; which < 3; ++which) {
        __m128i bytes = channel(a, b, c, which);
        for (std::size_t half = 0; half < 16; half += 8, bytes = _mm_srli_si128(bytes, 8)) {
          const __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
          const __m256 scaled = _mm256_mul_ps(value, _mm256_set1_ps(to.scale[which]));
          const __m256 result = _mm256_add_ps(scaled, _mm256_set1_ps(to.shift[which]));
          float* out = dst + static_cast<std::size_t>(which) * pixels + i + half;
          if constexpr (streaming)
            _mm256_stream_ps(out, result);
          else
            _mm256_store_ps(out, result);
        }
      }
    }
  }
#endif
  one_by_one(src, dst, i, pixels, to);
}

// A thread takes one image at a time; images of a batch lie beside each other in the ring.
class Cast : public Limit {
 public:
  explicit Cast(const Options& options)
      : threads_(options.number("threads")),
        pixels_(options.number("pixels")),
        n_(options.number("samples")),
        offset_(options.number("offset", 0)),
        slots_(options.number("ring", 3) * options.number("batch")),
        part_(options.number("part", 1)),
        shuffled_(options.text("order", "shuffled") == "shuffled"),
        file_(options.text("file")),
        ring_(slots_ * pixels_ * 3 * sizeof(float)) {
    if (file_.size() < offset_ + n_ * pixels_ * 3) throw std::invalid_argument("the file is shorter than its images");
    prepare();
    const std::string stores = options.text("stores", "fastest");
    streams_ = stores == "fastest" ? is_faster_streaming() : stores == "streaming";
  }
  void prepare() override { renew_order(order_, n_, shuffled_, random_); }
  [[nodiscard]] std::string config() const override { return streams_ ? "C++, streaming stores" : "C++, plain stores"; }
  std::size_t epoch() override {
    share((n_ + part_ - 1) / part_, threads_, [&](std::size_t unit, std::size_t) {
      for (std::size_t i = unit * part_; i < std::min(n_, (unit + 1) * part_); ++i) cast(i);
    });
    return n_;
  }

 private:
  void cast(std::size_t i) const {
    const std::uint8_t* src = file_.data() + offset_ + order_[i] * pixels_ * 3;
    float* dst = reinterpret_cast<float*>(ring_.data()) + i % slots_ * pixels_ * 3;
    streams_ ? normalise<true>(src, dst, pixels_, kImageNet) : normalise<false>(src, dst, pixels_, kImageNet);
  }

  // Both fill the whole ring in turns; the least CPU time counts.
  bool is_faster_streaming() {
    double least[2] = {1e9, 1e9};
    std::size_t at = 0;
    for (std::size_t turn = 0; turn < 6; ++turn) {
      streams_ = turn % 2 != 0;
      const double start = thread_seconds();
      for (std::size_t i = 0; i < slots_; ++i, at = at + 1 < n_ ? at + 1 : 0) cast(at);
      if (turn >= 2) least[turn % 2] = std::min(least[turn % 2], thread_seconds() - start);
    }
    return least[1] < least[0];
  }

  static constexpr Normalise kImageNet{{0.01712475F, 0.01750700F, 0.01742919F},
                                       {-2.1179039F, -2.0357141F, -1.8044444F}};
  std::size_t threads_, pixels_, n_, offset_, slots_, part_;
  bool streams_ = false;
  bool shuffled_;
  MappedFile file_;
  Ring ring_;
  std::vector<std::size_t> order_;
  std::mt19937_64 random_{1};
};

}  // namespace limits
