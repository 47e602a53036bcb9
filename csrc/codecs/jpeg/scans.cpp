// SPDX-License-Identifier: MIT
#include "codecs/jpeg/scans.h"

#include <algorithm>
#include <bit>

#include "codecs/jpeg/block_decoder.h"
#include "codecs/jpeg/progressive_block.h"
#include "common/memory.h"
#include "common/stop.h"

namespace fastbatch::jpeg {
namespace {

constexpr std::size_t kBlockAlignment = 64;  // bytes, of the blocks
constexpr int kMostScans = 100;              // libjpeg.cpp refuses more
constexpr unsigned kMostShift = 13;          // libjpeg refuses more

}  // namespace

// Makes room for zeros.
void ScansDecoder::place(const Frame& frame, const ComponentFlags& dc_only) {
  n_planes_ = frame.n_components;
  std::size_t n_blocks = 0;
  for (unsigned c = 0; c < n_planes_; ++c) {
    Plane& plane = planes_[c];
    const Component& component = frame.components[c];
    plane = {.begin = n_blocks,
             .stride = std::size_t{frame.mcus_per_row} * component.h,
             .h = component.h,
             .v = component.v,
             .dc_only = dc_only[c]};
    plane.missing.fill(-1);
    n_blocks += plane.stride * region_.bottom * component.v;
  }
  below_ = n_blocks;
  last_.assign(n_blocks + 1, 0);
  nonzero_.assign(frame.is_progressive ? n_blocks : 0, 0);
  // One block for those below the region, and the padding that kNaturalOrNext needs.
  storage_.assign((n_blocks + 2) * kBlock + kBlockAlignment / sizeof(std::int16_t), 0);
  const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
  blocks_ = storage_.data() + ((kBlockAlignment - address % kBlockAlignment) % kBlockAlignment) / sizeof(std::int16_t);
}

bool ScansDecoder::read(Headers& headers, HuffmanCache& cache, const McuRegion& region, const ComponentFlags& dc_only) {
  region_ = region;
  place(headers.frame(), dc_only);
  n_scans_ = 0;
  while (!headers.is_end()) {
    if (!note_progress(headers.frame(), headers.scan()) || !read_scan(headers, cache)) return false;
    if (!headers.next_scan(data_.marker())) return false;
  }
  for (std::size_t i = 0; i < nonzero_.size(); ++i) {
    last_[i] = static_cast<std::uint8_t>(std::bit_width(nonzero_[i] | 1U) - 1);
  }
  return is_complete();
}

// The checks of libjpeg, its warnings included.
bool ScansDecoder::note_progress(const Frame& frame, const Scan& scan) {
  if (++n_scans_ > kMostScans) return false;
  if (frame.is_progressive) {
    if (scan.first == 0 && scan.last != 0) return false;
    if (scan.first != 0 && (scan.first > scan.last || scan.last >= kBlock || scan.n_components != 1)) return false;
    if (scan.low > kMostShift || (scan.high != 0 && scan.low != scan.high - 1)) return false;
  }
  const int expected = scan.high == 0 ? -1 : static_cast<int>(scan.high);
  for (unsigned i = 0; i < scan.n_components; ++i) {
    Plane& plane = planes_[scan.component[i]];
    if (scan.first != 0 && plane.missing[0] < 0) return false;
    for (unsigned k = scan.first; k <= scan.last; ++k) {
      if (plane.missing[k] != expected) return false;
      plane.missing[k] = static_cast<std::int8_t>(scan.low);
    }
  }
  return true;
}

bool ScansDecoder::is_complete() const noexcept {
  return std::all_of(planes_.begin(), planes_.begin() + n_planes_, [](const Plane& plane) {
    return std::ranges::all_of(plane.missing, [](std::int8_t bits) { return bits == 0; });
  });
}

bool ScansDecoder::read_scan(const Headers& headers, HuffmanCache& cache) {
  const Scan& scan = headers.scan();
  if (!headers.frame().is_progressive) return read_sequential(headers, cache);
  if (scan.first == 0) return scan.high == 0 ? read_dc_first(headers, cache) : read_dc_refinement(headers);
  const AcTable* const table = cache.ac(headers.tables().ac[scan.ac[0]]);
  if (table == nullptr) return false;
  if (planes_[scan.component[0]].dc_only) {
    data_.open(headers.file(), scan.data);
    return pass_over(headers);
  }
  return scan.high == 0 ? read_ac_first(headers, *table) : read_ac_refinement(headers, *table);
}

template <typename Decode>
bool ScansDecoder::decode_mcu(const Scan& scan, std::size_t x, std::size_t y, Bits& bits, const Decode& decode) {
  for (unsigned i = 0; i < scan.n_components; ++i) {
    const Plane& plane = planes_[scan.component[i]];
    for (std::size_t row = 0; row < plane.v; ++row) {
      const std::size_t first = plane.begin + (y * plane.v + row) * plane.stride + x * plane.h;
      for (std::size_t column = 0; column < plane.h; ++column) {
        if (!decode(bits, y < region_.bottom ? first + column : below_, i)) return false;
      }
    }
  }
  return true;
}

template <typename Decode>
bool ScansDecoder::for_each_block(const Headers& headers, const Decode& decode) {
  const Frame& frame = headers.frame();
  const Scan& scan = headers.scan();
  const bool is_interleaved = scan.n_components > 1;  // else only blocks inside the image
  const Component& first = frame.components[scan.component[0]];
  const Plane& plane = planes_[scan.component[0]];
  const std::size_t columns = is_interleaved ? frame.mcus_per_row : first.width_in_blocks;
  const std::size_t all_rows = is_interleaved ? frame.mcu_rows : first.height_in_blocks;
  const std::size_t needed = std::min(all_rows, std::size_t{region_.bottom} * (is_interleaved ? 1 : first.v));
  // The first DC scan is read to its end: libjpeg refuses sums that overflow.
  const std::size_t rows = scan.first == 0 && scan.high == 0 ? all_rows : needed;
  const std::uint32_t interval = headers.tables().restart_interval;
  std::uint32_t to_restart = interval;
  unsigned number = 0;
  data_.open(headers.file(), scan.data);
  previous_.fill(0);
  end_run_ = 0;
  Bits bits = data_.bits;
  for (std::size_t y = 0; y < rows; ++y) {
    throw_if_stopped();
    for (std::size_t x = 0; x < columns; ++x) {
      if (interval != 0 && to_restart-- == 0) {
        if (!restart(headers, number++ & 7U, bits)) return false;
        to_restart = interval - 1;
      }
      if (!data_.prepare(bits)) return false;
      if (is_interleaved ? !decode_mcu(scan, x, y, bits, decode)
                         : !decode(bits, y < needed ? plane.begin + y * plane.stride + x : below_, 0U)) {
        return false;
      }
    }
  }
  if (rows < all_rows) return data_.has_taken(bits) && pass_over(headers);
  return end_run_ == 0 && data_.finish(bits);
}

// To the marker behind the scan. Whatever the data are, they change nothing after it.
bool ScansDecoder::pass_over(const Headers& headers) {
  if (!data_.find_marker()) return false;
  while ((headers.file()[data_.marker() + 1] & 0xF8U) == 0xD0) {
    data_.open(headers.file(), data_.marker() + 2);
    if (!data_.find_marker()) return false;
  }
  return true;
}

bool ScansDecoder::restart(const Headers& headers, unsigned number, Bits& bits) {
  if (end_run_ != 0 || !data_.finish(bits)) return false;
  if (headers.file()[data_.marker() + 1] != 0xD0 + number) return false;
  data_.open(headers.file(), data_.marker() + 2);
  bits = data_.bits;
  previous_.fill(0);
  return true;
}

// A scan of some components of a file that is not progressive.
bool ScansDecoder::read_sequential(const Headers& headers, HuffmanCache& cache) {
  const Scan& scan = headers.scan();
  std::array<const DcTable*, kMostComponents> dc{};
  std::array<AcTable*, kMostComponents> ac{};
  for (unsigned i = 0; i < scan.n_components; ++i) {
    dc[i] = cache.dc(headers.tables().dc[scan.dc[i]]);
    ac[i] = cache.ac(headers.tables().ac[scan.ac[i]]);
    if (dc[i] == nullptr || ac[i] == nullptr) return false;
    ac[i]->build_pairs();
  }
  return for_each_block(headers, [&](Bits& bits, std::size_t at, unsigned i) {
    std::int16_t* const block = blocks_ + at * kBlock;
    if (!decode_dc(bits, *dc[i], previous_[i]) || !is_coefficient(previous_[i])) return false;
    block[0] = static_cast<std::int16_t>(previous_[i]);
    const int last = decode_ac(bits, *ac[i], block);
    if (last == kBadBlock) return false;
    last_[at] = static_cast<std::uint8_t>(last);
    return true;
  });
}

bool ScansDecoder::read_dc_first(const Headers& headers, HuffmanCache& cache) {
  const Scan& scan = headers.scan();
  std::array<const DcTable*, kMostComponents> tables{};
  for (unsigned i = 0; i < scan.n_components; ++i) {
    tables[i] = cache.dc(headers.tables().dc[scan.dc[i]]);
    if (tables[i] == nullptr) return false;
  }
  const int scale = 1 << scan.low;
  return for_each_block(headers, [&](Bits& bits, std::size_t at, unsigned i) {
    if (!decode_dc(bits, *tables[i], previous_[i]) || !is_coefficient(previous_[i])) return false;
    const int value = previous_[i] * scale;
    blocks_[at * kBlock] = static_cast<std::int16_t>(value);
    return is_coefficient(value);
  });
}

bool ScansDecoder::read_dc_refinement(const Headers& headers) {
  const unsigned low = headers.scan().low;
  return for_each_block(headers, [&](Bits& bits, std::size_t at, unsigned) {
    if (bits.n == 0) bits.refill();
    std::int16_t& value = blocks_[at * kBlock];
    value = static_cast<std::int16_t>(value | static_cast<int>(bits.peek(1) << low));
    bits.skip(1);
    return true;
  });
}

bool ScansDecoder::read_ac_first(const Headers& headers, const AcTable& table) {
  const Band band(headers.scan());
  return for_each_block(headers, [&](Bits& bits, std::size_t at, unsigned) {
    if (end_run_ > 0) {
      --end_run_;
      return true;
    }
    return decode_ac_first(bits, table, band, blocks_ + at * kBlock, nonzero_[at], end_run_);
  });
}

bool ScansDecoder::read_ac_refinement(const Headers& headers, const AcTable& table) {
  const Band band(headers.scan());
  return for_each_block(headers, [&](Bits& bits, std::size_t at, unsigned) {
    return refine_ac(bits, table, band, blocks_ + at * kBlock, nonzero_[at], end_run_);
  });
}

BlockRows ScansDecoder::rows(unsigned component, std::size_t mcu_row) const noexcept {
  const Plane& plane = planes_[component];
  const std::size_t first = plane.begin + mcu_row * plane.v * plane.stride + region_.left * plane.h;
  return {blocks_ + first * kBlock, last_.data() + first, plane.stride};
}

void ScansDecoder::free_if_large() {
  fastbatch::free_if_large(storage_);
  fastbatch::free_if_large(nonzero_);
  fastbatch::free_if_large(last_);
}

}  // namespace fastbatch::jpeg
