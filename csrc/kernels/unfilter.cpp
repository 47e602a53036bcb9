// SPDX-License-Identifier: MIT
// Each pixel depends on the one to its left, so vectors process only the channels of one pixel at a time, without
// branches. There are kernels for 2, 3, 4, 6 and 8 bytes per pixel. The filter "above" has no such dependency.
#include "kernels/unfilter.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unfilter.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

// All return the number of bytes done.
#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

HWY_ATTR std::size_t AddAbove(const std::uint8_t* above, std::uint8_t* row, std::size_t n) {
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, row + i), hn::LoadU(d, above + i)), d, row + i);
  return i;
}

// One pixel in the low lanes of a vector. kStep bytes are stored, but kRead are read, so the last pixels of a row are
// left to the scalar code.
template <std::size_t kStep>
struct PixelBytes {
  using D8 = hn::CappedTag<std::uint8_t, 16>;
  using V8 = hn::Vec<D8>;
  using Bits = std::conditional_t<(kStep > 4), std::uint64_t, std::uint32_t>;
  static constexpr D8 kD8{};
  static constexpr std::size_t kRead = sizeof(Bits);

  static HWY_INLINE V8 Load(const std::uint8_t* p) {
    const hn::Repartition<Bits, D8> wide;
    Bits bits;
    std::memcpy(&bits, p, kRead);
    return hn::BitCast(kD8, hn::Set(wide, bits));
  }
  static HWY_INLINE void Store(V8 v, std::uint8_t* p) {
    const hn::Repartition<Bits, D8> wide;
    const Bits bits = hn::GetLane(hn::BitCast(wide, v));
    std::memcpy(p, &bits, kStep);
  }
};

// Sums of all pixels before, in the 16 bytes of a vector: each step adds what is one, two, four pixels to the left.
template <std::size_t kStep, class D, class V>
HWY_INLINE V SumLeft(D d, V v) {
  if constexpr (kStep < 16) {
    return SumLeft<2 * kStep>(d, hn::Add(v, hn::ShiftLeftBytes<kStep>(d, v)));
  } else {
    return v;
  }
}

template <std::size_t kStep>
HWY_ATTR std::size_t AddLeftInVectors(std::uint8_t* row, std::size_t n) {
  const hn::Full128<std::uint8_t> d;
  const hn::Repartition<hwy::UnsignedFromSize<kStep>, decltype(d)> pixels;
  constexpr std::size_t kLast = 16 / kStep - 1;
  auto left = hn::Zero(d);  // the pixel before, in all places
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const auto sums = hn::Add(SumLeft<kStep>(d, hn::LoadU(d, row + i)), left);
    hn::StoreU(sums, d, row + i);
    left = hn::BitCast(d, hn::Broadcast<kLast>(hn::BitCast(pixels, sums)));
  }
  return i;
}

template <std::size_t kStep>
HWY_ATTR std::size_t AddLeft(std::uint8_t* row, std::size_t n) {
  if constexpr (16 % kStep == 0) return AddLeftInVectors<kStep>(row, n);
  using P = PixelBytes<kStep>;
  typename P::V8 left = hn::Zero(P::kD8);
  std::size_t i = 0;
  for (; i + P::kRead <= n; i += kStep) {
    left = hn::Add(left, P::Load(row + i));
    P::Store(left, row + i);
  }
  return i;
}

template <std::size_t kStep>
HWY_ATTR std::size_t AddAverage(const std::uint8_t* above, std::uint8_t* row, std::size_t n) {
  using P = PixelBytes<kStep>;
  const auto one = hn::Set(P::kD8, std::uint8_t{1});
  typename P::V8 left = hn::Zero(P::kD8);
  std::size_t i = 0;
  for (; i + P::kRead <= n; i += kStep) {
    const auto up = P::Load(above + i);
    // AverageRound rounds up if the sum is odd.
    const auto average = hn::Sub(hn::AverageRound(left, up), hn::And(hn::Xor(left, up), one));
    left = hn::Add(P::Load(row + i), average);
    P::Store(left, row + i);
  }
  return i;
}

// The guess is the nearest of left, above and corner to left + above - corner. As in stb_image, it is found by
// comparisons with 3 * corner - left - above, since few steps then wait for the pixel on the left.
template <std::size_t kStep>
HWY_ATTR std::size_t AddPaeth(const std::uint8_t* above, std::uint8_t* row, std::size_t n) {
  using P = PixelBytes<kStep>;
  const hn::Repartition<std::int16_t, typename P::D8> d16;
  const hn::Half<typename P::D8> half8;
  const hn::Repartition<std::uint8_t, decltype(d16)> narrow;
  const auto widen = [&](typename P::V8 v) HWY_ATTR { return hn::PromoteTo(d16, hn::LowerHalf(half8, v)); };
  auto left = hn::Zero(d16);
  auto corner = hn::Zero(d16);
  std::size_t i = 0;
  for (; i + P::kRead <= n; i += kStep) {
    const auto up = widen(P::Load(above + i));
    const auto bound = hn::Sub(hn::Sub(hn::Add(corner, hn::Add(corner, corner)), up), left);
    const auto low = hn::Min(left, up);
    const auto high = hn::Max(left, up);
    const auto is_below = hn::BroadcastSignBit(hn::Sub(bound, high));  // the bound is below both
    const auto is_above_low = hn::BroadcastSignBit(hn::Sub(low, bound));
    const auto guess = hn::IfVecThenElse(is_above_low, hn::IfVecThenElse(is_below, corner, low), high);
    const auto sum = hn::Add(hn::BitCast(narrow, widen(P::Load(row + i))), hn::BitCast(narrow, guess));
    left = hn::BitCast(d16, sum);  // the upper byte of each lane stays 0
    corner = up;
    const auto bytes = hn::DemoteTo(half8, left);
    P::Store(hn::ZeroExtendVector(P::kD8, bytes), row + i);
  }
  return i;
}

template <std::size_t kStep>
HWY_ATTR std::size_t UnfilterPixels(unsigned filter, const std::uint8_t* above, std::uint8_t* row, std::size_t n) {
  switch (filter) {
    case 1: return AddLeft<kStep>(row, n);
    case 3: return AddAverage<kStep>(above, row, n);
    default: return AddPaeth<kStep>(above, row, n);
  }
}

HWY_ATTR std::size_t Unfilter(unsigned filter, std::size_t step, const std::uint8_t* above, std::uint8_t* row,
                              std::size_t n) {
  if (filter == 2) return AddAbove(above, row, n);
  switch (step) {
    case 2: return UnfilterPixels<2>(filter, above, row, n);
    case 3: return UnfilterPixels<3>(filter, above, row, n);
    case 4: return UnfilterPixels<4>(filter, above, row, n);
    case 6: return UnfilterPixels<6>(filter, above, row, n);
    case 8: return UnfilterPixels<8>(filter, above, row, n);
    default: return 0;
  }
}
#else
std::size_t Unfilter(unsigned, std::size_t, const std::uint8_t*, std::uint8_t*, std::size_t) { return 0; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(Unfilter);

namespace {

std::uint8_t nearest_guess(int left, int up, int corner) {
  const int from_left = std::abs(up - corner);
  const int from_up = std::abs(left - corner);
  const int from_corner = std::abs(left + up - 2 * corner);
  if (from_left <= from_up && from_left <= from_corner) return static_cast<std::uint8_t>(left);
  return static_cast<std::uint8_t>(from_up <= from_corner ? up : corner);
}

void add(std::uint8_t& byte, unsigned guess) { byte = static_cast<std::uint8_t>(byte + guess); }

// Bytes [first, n).
void unfilter_scalar(unsigned filter, std::size_t step, const std::uint8_t* above, std::uint8_t* row, std::size_t first,
                     std::size_t n) {
  const auto left = [&](std::size_t i) -> unsigned { return i < step ? 0 : row[i - step]; };
  const auto corner = [&](std::size_t i) -> unsigned { return i < step ? 0 : above[i - step]; };
  switch (filter) {
    case 1:
      for (std::size_t i = std::max(first, step); i < n; ++i) add(row[i], row[i - step]);
      return;
    case 2:
      for (std::size_t i = first; i < n; ++i) add(row[i], above[i]);
      return;
    case 3:
      for (std::size_t i = first; i < n; ++i) add(row[i], (left(i) + above[i]) / 2);
      return;
    default:
      for (std::size_t i = first; i < n; ++i) {
        add(row[i], nearest_guess(static_cast<int>(left(i)), above[i], static_cast<int>(corner(i))));
      }
  }
}

}  // namespace

void unfilter(unsigned filter, std::size_t step, const std::uint8_t* above, std::uint8_t* row, std::size_t n) {
  if (filter == 0) return;
  std::size_t done = 0;
  if (!scalar_only()) done = HWY_DYNAMIC_DISPATCH(Unfilter)(filter, step, above, row, n);
  unfilter_scalar(filter, step, above, row, done, n);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
