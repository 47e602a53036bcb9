// SPDX-License-Identifier: MIT
// Pixels (interleaved channels) to planes (one channel after another), and back.
#include <algorithm>
#include <cstring>

#include "kernels/cast.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

// Both process whole vectors, and return the number of pixels done.
#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
HWY_ATTR std::size_t Split(const T* src, std::byte* dst, std::size_t plane_bytes, std::size_t n, std::size_t channels) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto plane = [=](std::size_t c) { return reinterpret_cast<T*>(dst + c * plane_bytes); };
  std::size_t i = 0;
  if (channels == 2) {
    for (; i + lanes <= n; i += lanes) {
      hn::Vec<decltype(d)> a, b;
      hn::LoadInterleaved2(d, src + 2 * i, a, b);
      hn::StoreU(a, d, plane(0) + i);
      hn::StoreU(b, d, plane(1) + i);
    }
  } else if (channels == 3) {
    for (; i + lanes <= n; i += lanes) {
      hn::Vec<decltype(d)> a, b, c;
      hn::LoadInterleaved3(d, src + 3 * i, a, b, c);
      hn::StoreU(a, d, plane(0) + i);
      hn::StoreU(b, d, plane(1) + i);
      hn::StoreU(c, d, plane(2) + i);
    }
  } else if (channels == 4) {
    for (; i + lanes <= n; i += lanes) {
      hn::Vec<decltype(d)> a, b, c, e;
      hn::LoadInterleaved4(d, src + 4 * i, a, b, c, e);
      hn::StoreU(a, d, plane(0) + i);
      hn::StoreU(b, d, plane(1) + i);
      hn::StoreU(c, d, plane(2) + i);
      hn::StoreU(e, d, plane(3) + i);
    }
  }
  return i;
}

template <typename T>
HWY_ATTR std::size_t Join(const std::byte* src, std::size_t plane_bytes, T* dst, std::size_t n, std::size_t channels) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto plane = [=](std::size_t c) { return reinterpret_cast<const T*>(src + c * plane_bytes); };
  std::size_t i = 0;
  if (channels == 2) {
    for (; i + lanes <= n; i += lanes) {
      hn::StoreInterleaved2(hn::LoadU(d, plane(0) + i), hn::LoadU(d, plane(1) + i), d, dst + 2 * i);
    }
  } else if (channels == 3) {
    for (; i + lanes <= n; i += lanes) {
      hn::StoreInterleaved3(hn::LoadU(d, plane(0) + i), hn::LoadU(d, plane(1) + i), hn::LoadU(d, plane(2) + i), d,
                            dst + 3 * i);
    }
  } else if (channels == 4) {
    for (; i + lanes <= n; i += lanes) {
      hn::StoreInterleaved4(hn::LoadU(d, plane(0) + i), hn::LoadU(d, plane(1) + i), hn::LoadU(d, plane(2) + i),
                            hn::LoadU(d, plane(3) + i), d, dst + 4 * i);
    }
  }
  return i;
}

HWY_ATTR std::size_t SplitPixels(const std::byte* src, std::byte* dst, std::size_t plane_bytes, std::size_t n,
                                 std::size_t channels, std::size_t size) {
  switch (size) {
    case 1: return Split(reinterpret_cast<const std::uint8_t*>(src), dst, plane_bytes, n, channels);
    case 2: return Split(reinterpret_cast<const std::uint16_t*>(src), dst, plane_bytes, n, channels);
    case 4: return Split(reinterpret_cast<const std::uint32_t*>(src), dst, plane_bytes, n, channels);
    default: return Split(reinterpret_cast<const std::uint64_t*>(src), dst, plane_bytes, n, channels);
  }
}

HWY_ATTR std::size_t JoinPlanes(const std::byte* src, std::size_t plane_bytes, std::byte* dst, std::size_t n,
                                std::size_t channels, std::size_t size) {
  switch (size) {
    case 1: return Join(src, plane_bytes, reinterpret_cast<std::uint8_t*>(dst), n, channels);
    case 2: return Join(src, plane_bytes, reinterpret_cast<std::uint16_t*>(dst), n, channels);
    case 4: return Join(src, plane_bytes, reinterpret_cast<std::uint32_t*>(dst), n, channels);
    default: return Join(src, plane_bytes, reinterpret_cast<std::uint64_t*>(dst), n, channels);
  }
}
#else
std::size_t SplitPixels(const std::byte*, std::byte*, std::size_t, std::size_t, std::size_t, std::size_t) { return 0; }
std::size_t JoinPlanes(const std::byte*, std::size_t, std::byte*, std::size_t, std::size_t, std::size_t) { return 0; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(SplitPixels);
HWY_EXPORT(JoinPlanes);

namespace {

template <std::size_t kSize>
void copy_strided(const std::byte* src, std::size_t src_step, std::byte* dst, std::size_t dst_step, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) std::memcpy(dst + i * dst_step, src + i * src_step, kSize);
}

void copy_elements(const std::byte* src, std::size_t src_step, std::byte* dst, std::size_t dst_step, std::size_t n,
                   std::size_t size) {
  switch (size) {
    case 1: return copy_strided<1>(src, src_step, dst, dst_step, n);
    case 2: return copy_strided<2>(src, src_step, dst, dst_step, n);
    case 4: return copy_strided<4>(src, src_step, dst, dst_step, n);
    default: return copy_strided<8>(src, src_step, dst, dst_step, n);
  }
}

}  // namespace

void pixels_to_planes(const std::byte* src, std::size_t pixel_bytes, std::byte* dst, std::size_t plane_bytes,
                      std::size_t n_pixels, std::size_t n_channels, std::size_t size) {
  std::size_t done = 0;
  if (!scalar_only() && pixel_bytes == n_channels * size) {
    done = HWY_DYNAMIC_DISPATCH(SplitPixels)(src, dst, plane_bytes, n_pixels, n_channels, size);
  }
  for (std::size_t c = 0; c < n_channels; ++c) {
    copy_elements(src + done * pixel_bytes + c * size, pixel_bytes, dst + c * plane_bytes + done * size, size,
                  n_pixels - done, size);
  }
}

void planes_to_pixels(const std::byte* src, std::size_t plane_bytes, std::byte* dst, std::size_t pixel_bytes,
                      std::size_t n_pixels, std::size_t n_channels, std::size_t size) {
  std::size_t done = 0;
  if (!scalar_only() && pixel_bytes == n_channels * size) {
    done = HWY_DYNAMIC_DISPATCH(JoinPlanes)(src, plane_bytes, dst, n_pixels, n_channels, size);
  }
  for (std::size_t c = 0; c < n_channels; ++c) {
    copy_elements(src + c * plane_bytes + done * size, size, dst + done * pixel_bytes + c * size, pixel_bytes,
                  n_pixels - done, size);
  }
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
