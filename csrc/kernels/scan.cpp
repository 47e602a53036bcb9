// SPDX-License-Identifier: MIT
// 64 bytes at a time are converted to a bit mask, and the set bits to positions. White space that is not ASCII is rare:
// candidates are checked one by one.
#include "kernels/scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/unicode_space.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scan.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which sets the target that highway.h compiles for.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastbatch::kernels::HWY_NAMESPACE {

#if FASTBATCH_VECTOR_TARGET
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kChunk = 64;
using Tag = hn::CappedTag<std::uint8_t, kChunk>;

// One bit per byte, from the lowest.
template <typename Mask>
HWY_ATTR HWY_INLINE std::uint64_t Bits(Mask mask) {
  std::uint64_t bits = 0;  // stays in a register: it is stored and loaded with the same size
  hn::StoreMaskBits(Tag(), mask, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

// Bit masks of the bytes of a chunk that pass a test, and that are not ASCII.
struct Masks {
  std::uint64_t found = 0;
  std::uint64_t high = 0;
};

template <typename Test>
HWY_ATTR HWY_INLINE Masks MasksOf(const std::uint8_t* chunk, const Test& test) {
  const Tag d;
  const hn::RebindToSigned<Tag> di;
  Masks masks;
  for (std::size_t i = 0; i < kChunk; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, chunk + i);
    masks.found |= Bits(test(v)) << i;
    masks.high |= Bits(hn::RebindMask(d, hn::Lt(hn::BitCast(di, v), hn::Zero(di)))) << i;
  }
  return masks;
}

// Writes the positions of the set bits, one by one: for few bits.
HWY_ATTR HWY_INLINE std::uint32_t* UnpackFew(std::uint64_t bits, std::size_t base, std::uint32_t* out) {
  for (; bits != 0; bits &= bits - 1)
    *out++ = static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(std::countr_zero(bits));
  return out;
}

// The same for many bits, without a branch per bit. Also writes numbers after the returned end.
HWY_ATTR HWY_INLINE std::uint32_t* UnpackMany(std::uint64_t bits, std::size_t base, std::uint32_t* out) {
  const hn::CappedTag<std::uint32_t, 16> d;
  if constexpr (hn::MaxLanes(d) == 16) {  // one instruction; narrower vectors would need tables
    const std::size_t n = hn::Lanes(d);
    auto numbers = hn::Add(hn::Iota(d, 0), hn::Set(d, static_cast<std::uint32_t>(base)));
    for (std::size_t i = 0; i < kChunk; i += n) {
      const std::uint64_t part = bits >> i & ((std::uint64_t{1} << n) - 1);
      hn::StoreU(hn::CompressBits(numbers, reinterpret_cast<const std::uint8_t*>(&part)), d, out);
      out += std::popcount(part);
      numbers = hn::Add(numbers, hn::Set(d, static_cast<std::uint32_t>(n)));
    }
    return out;
  } else {  // eight at a time: a branch per bit would be mispredicted
    std::uint32_t* const end = out + std::popcount(bits);
    for (; out < end; out += 8) {
      for (int j = 0; j < 8; ++j) {
        out[j] = static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(std::countr_zero(bits));
        bits &= bits - 1;
      }
    }
    return end;
  }
}

// The white space of a chunk that is not ASCII. Bits beyond 63 are set in `spill`, for the next chunk.
HWY_ATTR HWY_INLINE std::uint64_t WideSpaces(const std::uint8_t* chunk, std::size_t left, std::uint64_t* spill) {
  const Tag d;
  const Masks masks = MasksOf(chunk, [&](auto v) HWY_ATTR {
    const auto two = hn::Eq(v, hn::Set(d, std::uint8_t{0xC2}));
    const auto offset = hn::Sub(v, hn::Set(d, std::uint8_t{0xE1}));
    return hn::Or(two, hn::Eq(hn::Min(offset, hn::Set(d, std::uint8_t{2})), offset));
  });
  std::uint64_t spaces = 0;
  for (std::uint64_t candidates = masks.found; candidates != 0; candidates &= candidates - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(candidates));
    const std::uint64_t run = (std::uint64_t{1} << space_size(chunk + i, left - i)) - 1;
    spaces |= run << i;
    if (i > kChunk - 3) *spill |= run >> (kChunk - i);
  }
  return spaces;
}

// Calls visit(chunk, left, base) for every 64 bytes; `left`: bytes from the chunk's start to the end of the text. The
// last, short chunk is a copy padded with spaces.
template <typename Visit>
HWY_ATTR HWY_INLINE void ForChunks(const std::uint8_t* text, std::size_t size, const Visit& visit) {
  std::size_t base = 0;
  for (; base + kChunk <= size; base += kChunk) visit(text + base, size - base, base);
  if (base == size) return;
  std::uint8_t last[kChunk];
  std::memset(last, ' ', kChunk);
  std::memcpy(last, text + base, size - base);
  visit(last, size - base, base);
}

HWY_ATTR Scan FindWords(const std::uint8_t* text, std::size_t size, std::uint32_t* edges) {
  const Tag d;
  std::uint32_t* out = edges;
  std::uint64_t before = 1;  // 1 if the byte before the chunk is white space
  std::uint64_t spill = 0;
  std::uint64_t any_high = 0;
  ForChunks(text, size, [&](const std::uint8_t* chunk, std::size_t left, std::size_t base) HWY_ATTR {
    const Masks masks = MasksOf(chunk, [&](auto v) HWY_ATTR {
      const auto control = hn::Sub(v, hn::Set(d, std::uint8_t{0x09}));    // to 0x0D
      const auto separator = hn::Sub(v, hn::Set(d, std::uint8_t{0x1C}));  // to 0x20
      const auto four = hn::Set(d, std::uint8_t{4});
      return hn::Or(hn::Eq(hn::Min(control, four), control), hn::Eq(hn::Min(separator, four), separator));
    });
    any_high |= masks.high;
    std::uint64_t spaces = masks.found | spill;
    spill = 0;
    if (masks.high != 0) [[unlikely]]
      spaces |= WideSpaces(chunk, left, &spill);
    out = UnpackMany(spaces ^ (spaces << 1 | before), base, out);
    before = spaces >> 63;
  });
  // The padding of a short last chunk ends its last word; a full last chunk has no padding.
  if ((out - edges) % 2 != 0) *out++ = static_cast<std::uint32_t>(size);
  return {static_cast<std::size_t>(out - edges), any_high == 0};
}

HWY_ATTR Scan FindLineEnds(const std::uint8_t* text, std::size_t size, std::uint32_t* ends) {
  const Tag d;
  std::uint32_t* out = ends;
  std::uint64_t any_high = 0;
  ForChunks(text, size, [&](const std::uint8_t* chunk, std::size_t, std::size_t base) HWY_ATTR {
    const Masks masks = MasksOf(chunk, [&](auto v) HWY_ATTR {
      return hn::Or(hn::Eq(v, hn::Set(d, std::uint8_t{'\n'})), hn::Eq(v, hn::Set(d, std::uint8_t{'\r'})));
    });
    any_high |= masks.high;
    out = UnpackFew(masks.found, base, out);
  });
  return {static_cast<std::size_t>(out - ends), any_high == 0};
}

#else
Scan FindWords(const std::uint8_t*, std::size_t, std::uint32_t*) { return {}; }
Scan FindLineEnds(const std::uint8_t*, std::size_t, std::uint32_t*) { return {}; }
#endif

}  // namespace fastbatch::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastbatch::kernels {

HWY_EXPORT(FindWords);
HWY_EXPORT(FindLineEnds);

namespace {

const std::uint8_t* bytes_of(std::span<const std::byte> text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Scan find_words_scalar(const std::uint8_t* text, std::size_t size, std::uint32_t* edges) {
  Scan scan;
  for (std::size_t i = 0; i < size;) {
    const std::size_t space = space_size(text + i, size - i);
    const bool in_word = scan.n % 2 != 0;
    if (in_word == (space != 0)) edges[scan.n++] = static_cast<std::uint32_t>(i);
    if (text[i] >= 0x80) scan.is_ascii = false;
    i += std::max<std::size_t>(space, 1);
  }
  if (scan.n % 2 != 0) edges[scan.n++] = static_cast<std::uint32_t>(size);
  return scan;
}

Scan find_line_ends_scalar(const std::uint8_t* text, std::size_t size, std::uint32_t* ends) {
  Scan scan;
  for (std::size_t i = 0; i < size; ++i) {
    if (text[i] == '\n' || text[i] == '\r') ends[scan.n++] = static_cast<std::uint32_t>(i);
    if (text[i] >= 0x80) scan.is_ascii = false;
  }
  return scan;
}

}  // namespace

Scan find_words(std::span<const std::byte> text, std::uint32_t* edges) {
  return scalar_only() ? find_words_scalar(bytes_of(text), text.size(), edges)
                       : HWY_DYNAMIC_DISPATCH(FindWords)(bytes_of(text), text.size(), edges);
}

Scan find_line_ends(std::span<const std::byte> text, std::uint32_t* ends) {
  return scalar_only() ? find_line_ends_scalar(bytes_of(text), text.size(), ends)
                       : HWY_DYNAMIC_DISPATCH(FindLineEnds)(bytes_of(text), text.size(), ends);
}

}  // namespace fastbatch::kernels
#endif  // HWY_ONCE
