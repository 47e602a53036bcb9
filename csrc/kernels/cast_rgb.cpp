// SPDX-License-Identifier: MIT
// The usual photograph: one channel of uint8 RGB pixels, scaled into its float32 plane. A byte shuffle takes the
// channel out and widens it at once, which saves cast.cpp's way through a buffer: 19 -> 16 us for 224 x 224, the
// stores' limit.
#include <algorithm>
#include <cstring>

#include "kernels/cast.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cast_rgb.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

HWY_ATTR std::size_t RgbPlane(const std::uint8_t* src, std::size_t channel, float* dst, std::size_t n,
                              std::size_t readable, float scale, float shift) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Repartition<std::uint8_t, decltype(d)> d8;
  const std::size_t lanes = hn::Lanes(d);
  // Three words hold four pixels: they go to the start of each block of 16 bytes ...
  alignas(64) std::int32_t words[hn::MaxLanes(d)];
  for (std::size_t i = 0; i < lanes; ++i) words[i] = static_cast<std::int32_t>(std::min(i / 4 * 3 + i % 4, lanes - 1));
  const auto spread = hn::SetTableIndices(d32, words);
  // ... and there the channel's byte of each pixel becomes the low byte of a word; 0x80 gives 0.
  alignas(16) std::uint8_t bytes[16];
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = i % 4 == 0 ? static_cast<std::uint8_t>(i / 4 * 3 + channel) : 0x80;
  const auto pick = hn::LoadDup128(d8, bytes);
  std::size_t i = 0;
  // A vector reads four bytes a pixel, the last quarter of which is not its own.
  for (; i + lanes <= n && 3 * i + 4 * lanes <= readable; i += lanes) {
    const auto pixels = hn::BitCast(d32, hn::LoadU(d8, src + 3 * i));
    const auto blocks = hn::BitCast(d8, hn::TableLookupLanes(pixels, spread));
    const auto values = hn::ConvertTo(d, hn::BitCast(d32, hn::TableLookupBytesOr0(blocks, pick)));
    hn::StoreU(hn::Add(hn::Mul(values, hn::Set(d, scale)), hn::Set(d, shift)), d, dst + i);
  }
  return i;
}
#else
std::size_t RgbPlane(const std::uint8_t*, std::size_t, float*, std::size_t, std::size_t, float, float) { return 0; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(RgbPlane);

std::size_t rgb_to_planes(const std::byte* src, std::byte* dst, std::size_t n_pixels, std::span<const float, 3> scale,
                          std::span<const float, 3> shift) {
  if (scalar_only()) return 0;
  constexpr std::size_t kPiece = 2048;  // pixels: the second and third channel find them in the nearest cache
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(src);
  auto* planes = reinterpret_cast<float*>(dst);
  std::size_t done = 0;
  for (std::size_t start = 0; start < n_pixels && done == start; start += kPiece) {
    const std::size_t n = std::min(kPiece, n_pixels - start);
    std::size_t n_done = 0;  // the same for each channel
    for (std::size_t c = 0; c < 3; ++c) {
      n_done = HWY_DYNAMIC_DISPATCH(RgbPlane)(pixels + 3 * start, c, planes + c * n_pixels + start, n,
                                              3 * (n_pixels - start), scale[c], shift[c]);
    }
    done = start + n_done;
  }
  return done;
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
