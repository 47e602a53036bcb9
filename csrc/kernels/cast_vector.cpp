// SPDX-License-Identifier: MIT
// The frequent casts with vectors: the same bytes as cast_scalar.cpp.
// Product and sum are rounded separately on every target, so never MulAdd (and -ffp-contract=off for the compiler).
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/cast.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cast_vector.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {
#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

// ---- float16 ---------------------------------------------------------------------------------------------------
// Highway's conversion if the CPU has an instruction for it. Its emulation is not exact (NaN, infinity, rounding of
// subnormals), so other CPUs use integer arithmetic, as float16.h.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX2
template <class D>
HWY_INLINE hn::Vec<D> LoadHalf(D d, const std::uint16_t* src) {
  const hn::RebindToUnsigned<D> du;
  const auto half = hn::PromoteTo(du, hn::LoadU(hn::Rebind<std::uint16_t, D>(), src));
  const auto sign = hn::ShiftLeft<16>(hn::And(half, hn::Set(du, 0x8000U)));
  const auto field = hn::ShiftLeft<13>(hn::And(half, hn::Set(du, 0x7FFFU)));
  const auto exponent = hn::And(field, hn::Set(du, 0x7C00U << 13));
  const auto mantissa = hn::And(field, hn::Set(du, 0x3FFU << 13));
  const auto normal = hn::Add(field, hn::Set(du, (127U - 15U) << 23));
  const auto quiet = hn::IfThenZeroElse(hn::Eq(mantissa, hn::Zero(du)), hn::Set(du, 1U << 22));
  const auto special = hn::Or(hn::Or(hn::Set(du, 0xFFU << 23), mantissa), quiet);
  // Zero or subnormal: the mantissa with an exponent of 2^-14, minus 2^-14.
  const auto smallest = hn::Set(du, (127U - 14U) << 23);
  const auto subnormal = hn::BitCast(du, hn::Sub(hn::BitCast(d, hn::Or(mantissa, smallest)), hn::BitCast(d, smallest)));
  auto bits = hn::IfThenElse(hn::Eq(exponent, hn::Set(du, 0x7C00U << 13)), special, normal);
  bits = hn::IfThenElse(hn::Eq(exponent, hn::Zero(du)), subnormal, bits);
  return hn::BitCast(d, hn::Or(bits, sign));
}

template <class D>
HWY_INLINE void StoreHalf(D d, hn::Vec<D> value, std::uint16_t* dst) {
  const hn::RebindToSigned<D> di;  // magnitudes are positive, so signed comparison is correct
  const auto bits = hn::BitCast(di, value);
  const auto magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
  const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(di, 0x8000));
  // Normal: rebias, add just below half a unit in the last place, or half if that bit is odd; a carry is correct.
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
  const auto rounded = hn::Add(hn::Add(magnitude, odd), hn::Set(di, 0xFFF - ((127 - 15) << 23)));
  auto half = hn::ShiftRight<13>(rounded);
  // Subnormal: adding 0.5 makes the addition round at the last place of a half.
  const auto magic = hn::Set(di, 126 << 23);
  const auto subnormal = hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(d, magnitude), hn::BitCast(d, magic))), magic);
  half = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 113 << 23)), subnormal, half);
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, (143 << 23) - 1)), hn::Set(di, 0x7C00), half);
  const auto payload = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 0x3FF));
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 255 << 23)), hn::Or(payload, hn::Set(di, 0x7E00)), half);
  const hn::Rebind<std::uint16_t, D> d16;
  hn::StoreU(hn::DemoteTo(d16, hn::Or(half, sign)), d16, dst);
}
#else
template <class D>
HWY_INLINE hn::Vec<D> LoadHalf(D d, const std::uint16_t* src) {
  const hn::Rebind<hwy::float16_t, D> d16;
  return hn::PromoteTo(d, hn::BitCast(d16, hn::LoadU(hn::RebindToUnsigned<decltype(d16)>(), src)));
}

template <class D>
HWY_INLINE void StoreHalf(D, hn::Vec<D> value, std::uint16_t* dst) {
  const hn::Rebind<hwy::float16_t, D> d16;
  const hn::RebindToUnsigned<decltype(d16)> du16;
  hn::StoreU(hn::BitCast(du16, hn::DemoteTo(d16, value)), du16, dst);
}
#endif

// ---- one vector of the computation type: D is a tag of float or of double ------------------------------------------
template <typename T, class D>
HWY_INLINE hn::VFromD<hn::Rebind<T, D>> LoadAs(D, const std::byte* src) {
  return hn::LoadU(hn::Rebind<T, D>(), reinterpret_cast<const T*>(src));
}

template <DType kSrc, class D>
HWY_INLINE hn::Vec<D> Load(D d, const std::byte* src) {
  const hn::Rebind<std::int32_t, D> d32;
  if constexpr (kSrc == DType::kF16) {
    return LoadHalf(d, reinterpret_cast<const std::uint16_t*>(src));
  } else if constexpr (kSrc == DType::kF64) {
    return LoadAs<double>(d, src);
  } else if constexpr (kSrc == DType::kF32 && sizeof(hn::TFromD<D>) == sizeof(double)) {
    return hn::PromoteTo(d, LoadAs<float>(d, src));
  } else if constexpr (kSrc == DType::kF32) {
    return LoadAs<float>(d, src);
  } else if constexpr (sizeof(hn::TFromD<D>) == sizeof(double)) {
    static_assert(kSrc == DType::kU8);
    return hn::PromoteTo(d, hn::PromoteTo(d32, LoadAs<std::uint8_t>(d, src)));
  } else if constexpr (kSrc == DType::kU8) {
    return hn::ConvertTo(d, hn::PromoteTo(d32, LoadAs<std::uint8_t>(d, src)));
  } else if constexpr (kSrc == DType::kU16) {
    return hn::ConvertTo(d, hn::PromoteTo(d32, LoadAs<std::uint16_t>(d, src)));
  } else {
    static_assert(kSrc == DType::kI16);
    return hn::ConvertTo(d, hn::PromoteTo(d32, LoadAs<std::int16_t>(d, src)));
  }
}

template <DType kDst, class D>
HWY_INLINE void Store(D d, hn::Vec<D> value, std::byte* dst) {
  if constexpr (kDst == DType::kF16) {
    StoreHalf(d, value, reinterpret_cast<std::uint16_t*>(dst));
  } else if constexpr (kDst == DType::kF32 && sizeof(hn::TFromD<D>) == sizeof(double)) {
    const hn::Rebind<float, D> df;
    hn::StoreU(hn::DemoteTo(df, value), df, reinterpret_cast<float*>(dst));
  } else if constexpr (kDst == DType::kU8) {
    const hn::Rebind<std::int32_t, D> d32;
    const hn::Rebind<std::uint8_t, D> d8;
    const auto finite = hn::IfThenElseZero(hn::Eq(value, value), value);  // NaN: 0
    const auto inside = hn::Min(hn::Max(finite, hn::Zero(d)), hn::Set(d, 255));
    hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(d32, inside)), d8, reinterpret_cast<std::uint8_t*>(dst));
  } else {
    hn::StoreU(value, d, reinterpret_cast<hn::TFromD<D>*>(dst));
  }
}

// Hardware prefetchers predict loads better than stores. For bytes to float32, into a batch larger than the cache,
// prefetching ahead of the stores saves a sixth of the time, and a third with three planes at once; bytes to float16
// gain nothing, and integers that become wider ones take a tenth more. Prefetching past the end is harmless.
constexpr std::size_t kAhead = 512;  // bytes
HWY_INLINE void FetchAhead(std::byte* dst) { __builtin_prefetch(dst + kAhead, 1, 3); }

// ---- runs ------------------------------------------------------------------------------------------------------
// Converts n elements with step(src, dst, i), which processes a whole vector from element i. The last, partial vector
// uses buffers, so that no memory outside of src and dst is accessed.
template <DType kSrc, DType kDst, class D, class Step>
HWY_INLINE void ForEachVector(D d, const std::byte* src, std::byte* dst, std::size_t n, const Step& step) {
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    if constexpr (is_float(kDst) && size_of(kDst) > 2 * size_of(kSrc)) FetchAhead(dst + i * size_of(kDst));
    step(src + i * size_of(kSrc), dst + i * size_of(kDst), i);
  }
  if (i == n) return;
  alignas(64) std::byte in[hn::MaxLanes(D()) * size_of(kSrc)] = {};
  alignas(64) std::byte out[hn::MaxLanes(D()) * size_of(kDst)];
  std::memcpy(in, src + i * size_of(kSrc), (n - i) * size_of(kSrc));
  step(in, out, i);
  std::memcpy(dst + i * size_of(kDst), out, (n - i) * size_of(kDst));
}

template <DType kSrc, DType kDst, typename T>
HWY_ATTR void RunPlain(const std::byte* src, std::byte* dst, std::size_t n, const Affine&) {
  const hn::ScalableTag<T> d;
  ForEachVector<kSrc, kDst>(d, src, dst, n, [d](const std::byte* from, std::byte* to, std::size_t) HWY_ATTR {
    Store<kDst>(d, Load<kSrc>(d, from), to);
  });
}

template <DType kSrc, DType kDst, typename T>
HWY_ATTR void RunUniform(const std::byte* src, std::byte* dst, std::size_t n, const Affine& affine) {
  const hn::ScalableTag<T> d;
  const T scale = affine.table<T>().scale[0];
  const T shift = affine.table<T>().shift[0];
  ForEachVector<kSrc, kDst>(d, src, dst, n, [=](const std::byte* from, std::byte* to, std::size_t) HWY_ATTR {
    Store<kDst>(d, hn::Add(hn::Mul(Load<kSrc>(d, from), hn::Set(d, scale)), hn::Set(d, shift)), to);
  });
}

template <DType kSrc, DType kDst, typename T>
HWY_ATTR void RunPeriodic(const std::byte* src, std::byte* dst, std::size_t n, const Affine& affine) {
  const hn::ScalableTag<T> d;
  const T* scale = affine.table<T>().scale;
  const T* shift = affine.table<T>().shift;
  for (std::size_t start = 0; start < n; start += affine.period) {
    const std::size_t count = std::min(affine.period, n - start);
    ForEachVector<kSrc, kDst>(d, src + start * size_of(kSrc), dst + start * size_of(kDst), count,
                              [d, scale, shift](const std::byte* from, std::byte* to, std::size_t i) HWY_ATTR {
                                const auto product = hn::Mul(Load<kSrc>(d, from), hn::LoadU(d, scale + i));
                                Store<kDst>(d, hn::Add(product, hn::LoadU(d, shift + i)), to);
                              });
  }
}

template <DType kSrc, DType kDst, typename T>
Run Choose(const Affine& affine) {
  if (affine.period == 0) return RunPlain<kSrc, kDst, T>;
  return affine.period == 1 ? RunUniform<kSrc, kDst, T> : RunPeriodic<kSrc, kDst, T>;
}

template <DType kSrc>
Run ChooseInF32(DType dst, const Affine& affine) {
  switch (dst) {
    case DType::kU8: return Choose<kSrc, DType::kU8, float>(affine);
    case DType::kF16: return Choose<kSrc, DType::kF16, float>(affine);
    case DType::kF32: return Choose<kSrc, DType::kF32, float>(affine);
    default: return nullptr;
  }
}

Run FindInF32(DType src, DType dst, const Affine& affine) {
  switch (src) {
    case DType::kU8: return ChooseInF32<DType::kU8>(dst, affine);
    case DType::kU16: return ChooseInF32<DType::kU16>(dst, affine);
    case DType::kI16: return ChooseInF32<DType::kI16>(dst, affine);
    case DType::kF16: return ChooseInF32<DType::kF16>(dst, affine);
    case DType::kF32: return ChooseInF32<DType::kF32>(dst, affine);
    default: return nullptr;
  }
}

Run FindInF64(DType src, DType dst, const Affine& affine) {
  if (dst == DType::kF32 && src == DType::kF64) return Choose<DType::kF64, DType::kF32, double>(affine);
  if (dst != DType::kF64) return nullptr;
  switch (src) {
    case DType::kU8: return Choose<DType::kU8, DType::kF64, double>(affine);
    case DType::kF32: return Choose<DType::kF32, DType::kF64, double>(affine);
    case DType::kF64: return Choose<DType::kF64, DType::kF64, double>(affine);
    default: return nullptr;
  }
}

// Integers to wider ones, such as tokens and labels to int64: zero or sign extension, depending on the source type.
template <DType kSrc, typename From, DType kDst, typename To>
HWY_ATTR void RunWiden(const std::byte* src, std::byte* dst, std::size_t n, const Affine&) {
  const hn::ScalableTag<To> d;
  ForEachVector<kSrc, kDst>(d, src, dst, n, [d](const std::byte* from, std::byte* to, std::size_t) HWY_ATTR {
    const auto narrow = LoadAs<From>(d, from);
    auto* const out = reinterpret_cast<To*>(to);
    if constexpr (sizeof(To) == 8 && sizeof(From) < 4) {
      using Between = std::conditional_t<std::is_signed_v<From>, std::int32_t, std::uint32_t>;
      hn::StoreU(hn::PromoteTo(d, hn::PromoteTo(hn::Rebind<Between, decltype(d)>(), narrow)), d, out);
    } else {
      hn::StoreU(hn::PromoteTo(d, narrow), d, out);
    }
  });
}

template <DType kSrc, typename From>
Run ChooseWiden(DType dst) {
  constexpr bool kSigned = std::is_signed_v<From>;
  using To32 = std::conditional_t<kSigned, std::int32_t, std::uint32_t>;
  using To64 = std::conditional_t<kSigned, std::int64_t, std::uint64_t>;
  switch (dst) {
    case DType::kI64:
    case DType::kU64: return RunWiden<kSrc, From, DType::kI64, To64>;
    case DType::kI32:
    case DType::kU32:
      if constexpr (sizeof(From) < 4) return RunWiden<kSrc, From, DType::kI32, To32>;
      return nullptr;
    default: return nullptr;
  }
}

Run FindWiden(DType src, DType dst) {
  switch (src) {
    case DType::kU8: return ChooseWiden<DType::kU8, std::uint8_t>(dst);
    case DType::kI8: return ChooseWiden<DType::kI8, std::int8_t>(dst);
    case DType::kU16: return ChooseWiden<DType::kU16, std::uint16_t>(dst);
    case DType::kI16: return ChooseWiden<DType::kI16, std::int16_t>(dst);
    case DType::kU32: return ChooseWiden<DType::kU32, std::uint32_t>(dst);
    case DType::kI32: return ChooseWiden<DType::kI32, std::int32_t>(dst);
    default: return nullptr;
  }
}

Run FindRun(DType src, DType dst, const Affine& affine) {
  // Plain casts between integers wrap around, so they must not use float.
  const bool plain = affine.period == 0;
  if (plain && !is_float(src) && !is_float(dst)) return FindWiden(src, dst);
  const bool wide = src == DType::kF64 || dst == DType::kF64;
  if (!plain && wide == affine.in_f32) return nullptr;
  return wide ? FindInF64(src, dst, affine) : FindInF32(src, dst, affine);
}

// ---- planes ----------------------------------------------------------------------------------------------------
constexpr std::size_t kLine = 16;  // pixels whose float32 fill a cache line

// The bytes [kFirst, kFirst + lanes of D) of 16, as a vector of D.
template <std::size_t kFirst, class D>
HWY_INLINE hn::Vec<D> Widened(D d, hn::Vec<hn::FixedTag<std::uint8_t, kLine>> bytes) {
  const hn::Rebind<std::int32_t, D> d32;
  const hn::FixedTag<std::uint8_t, kLine> d8;
  if constexpr (kFirst > 0) bytes = hn::ShiftRightBytes<kFirst>(d8, bytes);
  if constexpr (hn::MaxLanes(D()) == kLine) {
    return hn::ConvertTo(d, hn::PromoteTo(d32, bytes));
  } else if constexpr (hn::MaxLanes(D()) == kLine / 2) {
    return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LowerHalf(bytes)));
  } else {
    return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LowerHalf(hn::LowerHalf(bytes))));
  }
}

// A line of a plane at once: two planes' stores in turns would leave the buffers of streaming stores half full.
template <DType kDst, bool kStreaming, std::size_t kFirst, class D>
HWY_INLINE void StoreLine(D d, hn::Vec<hn::FixedTag<std::uint8_t, kLine>> bytes, hn::Vec<D> scale, hn::Vec<D> shift,
                          std::byte* to) {
  const auto result = hn::Add(hn::Mul(Widened<kFirst>(d, bytes), scale), shift);
  if constexpr (kStreaming) {
    hn::Stream(result, d, reinterpret_cast<float*>(to));
  } else {
    Store<kDst>(d, result, to);
  }
  constexpr std::size_t kLanes = hn::MaxLanes(D());
  if constexpr (kFirst + kLanes < kLine)
    StoreLine<kDst, kStreaming, kFirst + kLanes>(d, bytes, scale, shift, to + kLanes * size_of(kDst));
}

// RGB pixels to planes in one pass. With kStreaming, `dst` and the planes are whole cache lines of float32, which are
// written around the caches.
template <DType kDst, bool kStreaming = false>
HWY_ATTR std::size_t SplitRgb(const std::byte* src, std::byte* dst, std::size_t plane_bytes, std::size_t n,
                              const float* scale, const float* shift) {
  const hn::CappedTag<float, kLine> d;
  const hn::FixedTag<std::uint8_t, kLine> d8;
  std::size_t i = 0;
  for (; i + kLine <= n; i += kLine) {
    hn::Vec<decltype(d8)> colors[3];
    hn::LoadInterleaved3(d8, reinterpret_cast<const std::uint8_t*>(src) + 3 * i, colors[0], colors[1], colors[2]);
    for (std::size_t c = 0; c < 3; ++c) {
      std::byte* const to = dst + c * plane_bytes + i * size_of(kDst);
      if constexpr (!kStreaming) FetchAhead(to);
      StoreLine<kDst, kStreaming, 0>(d, colors[c], hn::Set(d, scale[c]), hn::Set(d, shift[c]), to);
    }
  }
  if constexpr (kStreaming) hwy::FlushStream();
  return i;
}

std::size_t SplitRgbTo(DType dst_type, const std::byte* src, std::byte* dst, std::size_t plane_bytes, std::size_t n,
                       const float* scale, const float* shift, Stores stores) {
  constexpr std::size_t kBytes = kLine * sizeof(float);
  if (dst_type == DType::kF32 && stores == Stores::kStreaming && plane_bytes % kBytes == 0 &&
      reinterpret_cast<std::uintptr_t>(dst) % kBytes == 0)
    return SplitRgb<DType::kF32, true>(src, dst, plane_bytes, n, scale, shift);
  switch (dst_type) {
    case DType::kF16: return SplitRgb<DType::kF16>(src, dst, plane_bytes, n, scale, shift);
    case DType::kF32: return SplitRgb<DType::kF32>(src, dst, plane_bytes, n, scale, shift);
    default: return 0;
  }
}
#else
Run FindRun(DType, DType, const Affine&) { return nullptr; }
std::size_t SplitRgbTo(DType, const std::byte*, std::byte*, std::size_t, std::size_t, const float*, const float*,
                       Stores) {
  return 0;
}
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(FindRun);
HWY_EXPORT(SplitRgbTo);

Run find_vector_run(DType src_type, DType dst_type, const Affine& affine) {
  return scalar_only() ? nullptr : HWY_DYNAMIC_DISPATCH(FindRun)(src_type, dst_type, affine);
}

std::size_t split_rgb(DType dst_type, const std::byte* src, std::byte* dst, std::size_t plane_bytes, std::size_t n,
                      const float* scale, const float* shift, Stores stores) {
  if (scalar_only()) return 0;
  return HWY_DYNAMIC_DISPATCH(SplitRgbTo)(dst_type, src, dst, plane_bytes, n, scale, shift, stores);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
