// SPDX-License-Identifier: MIT
// Reverses the order of pixels, in blocks of 16 bytes.
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/mirror.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

// Processes whole blocks, from the end of src and the start of dst, and returns the number of bytes done.
#if FASTBATCH_VECTOR_TARGET
constexpr std::size_t kPiece = 16;

template <std::size_t kPixel>
struct Order {
  static constexpr std::size_t kWhole = kPiece / kPixel * kPixel;  // bytes of the whole pixels of a block
  constexpr Order() {
    for (std::size_t i = 0; i < kWhole; ++i) {
      index[i] = static_cast<std::uint8_t>(kPiece - kPixel - i / kPixel * kPixel + i % kPixel);
    }
  }
  alignas(kPiece) std::uint8_t index[kPiece] = {};
};

template <std::size_t kPixel>
HWY_ATTR std::size_t MirrorPixels(const std::uint8_t* HWY_RESTRICT src, std::uint8_t* HWY_RESTRICT dst,
                                  std::size_t n_bytes) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<std::uint8_t, kPiece> d;
  static constexpr Order<kPixel> kOrder;
  const auto indices = hn::Load(d, kOrder.index);
  std::size_t done = 0;
  for (; done + kPiece <= n_bytes; done += kOrder.kWhole) {  // the next block overwrites the excess bytes
    hn::StoreU(hn::TableLookupBytes(hn::LoadU(d, src + n_bytes - done - kPiece), indices), d, dst + done);
  }
  return done;
}

std::size_t MirrorBlocks(const std::uint8_t* src, std::uint8_t* dst, std::size_t n_bytes, std::size_t pixel_bytes) {
  switch (pixel_bytes) {
    case 1: return MirrorPixels<1>(src, dst, n_bytes);
    case 2: return MirrorPixels<2>(src, dst, n_bytes);
    case 3: return MirrorPixels<3>(src, dst, n_bytes);
    case 4: return MirrorPixels<4>(src, dst, n_bytes);
    default: return 0;
  }
}
#else
std::size_t MirrorBlocks(const std::uint8_t*, std::uint8_t*, std::size_t, std::size_t) { return 0; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(MirrorBlocks);

void mirror(const std::uint8_t* src, std::uint8_t* dst, std::size_t n_bytes, std::size_t pixel_bytes) {
  std::size_t done = scalar_only() ? 0 : HWY_DYNAMIC_DISPATCH(MirrorBlocks)(src, dst, n_bytes, pixel_bytes);
  for (; done < n_bytes; done += pixel_bytes) std::memcpy(dst + done, src + n_bytes - done - pixel_bytes, pixel_bytes);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
