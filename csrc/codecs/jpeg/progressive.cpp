// SPDX-License-Identifier: MIT
#include "codecs/jpeg/progressive.h"

#include <algorithm>

#include "codecs/jpeg/progressive_blocks.h"
#include "common/memory.h"
#include "common/stop.h"

namespace fastbatch::jpeg {
namespace {

constexpr std::size_t kAlignment = 64;  // bytes
constexpr int kMostScans = 90;          // JpegCodec allows some more
constexpr unsigned kMostLow = 13;       // libjpeg's limit

}  // namespace

void ProgressiveDecoder::place(const Frame& frame, const McuRegion& region, const ComponentFlags& dc_only) {
  region_ = region;
  std::size_t n_blocks = 0;
  for (unsigned c = 0; c < frame.n_components; ++c) {
    const Component& component = frame.components[c];
    planes_[c] = {.h = component.h,
                  .v = component.v,
                  .dc_only = dc_only[c],
                  .begin = n_blocks,
                  .stride = std::size_t{frame.mcus_per_row} * component.h,
                  .height = std::size_t{region.bottom} * component.v};
    planes_[c].low.fill(-1);
    n_blocks += planes_[c].stride * planes_[c].height;
  }
  last_.assign(n_blocks, 0);
  storage_.assign(n_blocks * kBlock + kAlignment / sizeof(std::int16_t), 0);
  const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
  blocks_ = storage_.data() + ((kAlignment - address % kAlignment) % kAlignment) / sizeof(std::int16_t);
}

bool ProgressiveDecoder::decode(Headers& headers, HuffmanCache& cache, const McuRegion& region,
                                const ComponentFlags& dc_only) {
  const Frame& frame = headers.frame();
  place(frame, region, dc_only);
  int n_scans = 0;
  do {
    throw_if_stopped();
    if (++n_scans > kMostScans || !check_progression(frame, headers.scan()) || !decode_scan(headers, cache)) {
      return false;
    }
    if (!headers.next_scan(data_.marker())) return false;
  } while (!headers.is_end());
  // libjpeg smooths what is not known to the last bit.
  for (unsigned c = 0; c < frame.n_components; ++c) {
    if (std::ranges::any_of(planes_[c].low, [](std::int8_t low) { return low != 0; })) return false;
  }
  return true;
}

// The rules of libjpeg, its warnings included.
bool ProgressiveDecoder::check_progression(const Frame& frame, const Scan& scan) {
  const bool is_dc = scan.first == 0;
  if (is_dc ? scan.last != 0 : scan.first > scan.last || scan.last >= kBlock || scan.n_components != 1) return false;
  if (scan.low > kMostLow || (scan.high != 0 && scan.low != scan.high - 1)) return false;
  unsigned in_mcu = 0;
  for (unsigned i = 0; i < scan.n_components; ++i) {
    Plane& plane = planes_[scan.component[i]];
    in_mcu += plane.h * plane.v;
    if (!is_dc && plane.low[0] < 0) return false;
    for (unsigned k = scan.first; k <= scan.last; ++k) {
      const int expected = scan.high == 0 ? -1 : static_cast<int>(scan.high);
      if (plane.low[k] != expected) return false;
      plane.low[k] = static_cast<std::int8_t>(scan.low);
    }
  }
  return in_mcu <= 10 && frame.is_progressive;
}

bool ProgressiveDecoder::restart(const Headers& headers) {
  if (!data_.finish(data_.bits) || headers.file()[data_.marker() + 1] != 0xD0 + next_restart_) return false;
  next_restart_ = (next_restart_ + 1) & 7U;
  to_restart_ = interval_;
  data_.open(headers.file(), data_.marker() + 2);
  return true;
}

// To the marker behind the scan. What was not decoded, libjpeg decodes in some way: it changes no other scan.
bool ProgressiveDecoder::end_scan(const Headers& headers, bool is_complete) {
  if (is_complete) return data_.finish(data_.bits);
  if (!data_.has_taken(data_.bits) || !data_.find_marker()) return false;
  while ((headers.file()[data_.marker() + 1] & 0xF8U) == 0xD0) {
    data_.open(headers.file(), data_.marker() + 2);
    if (!data_.find_marker()) return false;
  }
  return true;
}

bool ProgressiveDecoder::decode_scan(const Headers& headers, HuffmanCache& cache) {
  const Scan& scan = headers.scan();
  data_.open(headers.file(), scan.data);
  interval_ = to_restart_ = headers.tables().restart_interval;
  next_restart_ = 0;
  return scan.first == 0 ? decode_dc_scan(headers, cache) : decode_ac_scan(headers, cache);
}

// All of the image, since libjpeg refuses a file whose sums of differences overflow. They cannot, within a row.
bool ProgressiveDecoder::decode_dc_scan(const Headers& headers, HuffmanCache& cache) {
  const Scan& scan = headers.scan();
  const Frame& frame = headers.frame();
  const bool is_first = scan.high == 0;
  const bool is_single = scan.n_components == 1;
  std::array<const DcTable*, kMostComponents> tables{};
  std::array<int, kMostComponents> previous{};
  for (unsigned i = 0; i < scan.n_components && is_first; ++i) {
    tables[i] = cache.dc(headers.tables().dc[scan.dc[i]]);
    if (tables[i] == nullptr) return false;
  }
  const Component& single = frame.components[scan.component[0]];
  const std::uint32_t width = is_single ? single.width_in_blocks : frame.mcus_per_row;
  const std::uint32_t height = is_single ? single.height_in_blocks : frame.mcu_rows;
  const int scale = 1 << scan.low;
  std::int16_t unused = 0;
  Bits bits = data_.bits;
  for (std::uint32_t y = 0; y < height; ++y) {
    throw_if_stopped();
    std::uint64_t range = 0;
    for (std::uint32_t x = 0; x < width; ++x) {
      if (interval_ != 0 && to_restart_-- == 0) {
        data_.bits = bits;
        if (!restart(headers)) return false;
        bits = data_.bits;
        --to_restart_;
        previous = {};
      }
      if (!data_.prepare(bits)) return false;
      for (unsigned i = 0; i < scan.n_components; ++i) {
        const Plane& plane = planes_[scan.component[i]];
        const unsigned h = is_single ? 1 : plane.h;
        const unsigned v = is_single ? 1 : plane.v;
        for (unsigned block = 0; block < h * v; ++block) {
          const std::size_t row = std::size_t{y} * v + block / h;
          const std::size_t at = plane.begin + row * plane.stride + std::size_t{x} * h + block % h;
          std::int16_t& dc = row < plane.height ? blocks_[at * kBlock] : unused;
          if (is_first) {
            if (!decode_dc(bits, *tables[i], previous[i])) return false;
            const std::int64_t value = std::int64_t{previous[i]} * scale;
            range |= static_cast<std::uint64_t>(value + 32768);
            dc = static_cast<std::int16_t>(value);
          } else if (take_bit(bits)) {
            dc = static_cast<std::int16_t>(dc | scale);
          }
        }
      }
    }
    if (range > UINT16_MAX) return false;
  }
  data_.bits = bits;
  return end_scan(headers, true);
}

bool ProgressiveDecoder::decode_ac_scan(const Headers& headers, HuffmanCache& cache) {
  const Scan& scan = headers.scan();
  const Plane& plane = planes_[scan.component[0]];
  const AcTable* const table = cache.ac(headers.tables().ac[scan.ac[0]]);
  if (table == nullptr) return false;
  if (plane.dc_only) return end_scan(headers, false);
  const Component& component = headers.frame().components[scan.component[0]];
  const auto height = static_cast<std::uint32_t>(std::min<std::size_t>(component.height_in_blocks, plane.height));
  const Band band{static_cast<int>(scan.first), static_cast<int>(scan.last), scan.low};
  const bool is_first = scan.high == 0;
  std::uint32_t end_run = 0;
  Bits bits = data_.bits;
  for (std::uint32_t y = 0; y < height; ++y) {
    throw_if_stopped();
    const std::size_t row = plane.begin + y * plane.stride;
    for (std::uint32_t x = 0; x < component.width_in_blocks; ++x) {
      if (interval_ != 0 && to_restart_-- == 0) {
        data_.bits = bits;
        if (!restart(headers)) return false;
        bits = data_.bits;
        --to_restart_;
        end_run = 0;
      }
      if (is_first && end_run > 0) {
        --end_run;
        continue;
      }
      if (!data_.prepare(bits)) return false;
      std::int16_t* const block = blocks_ + (row + x) * kBlock;
      std::uint8_t& last = last_[row + x];
      const int found = is_first ? decode_band(bits, *table, band, block, end_run)
                                 : refine_band(bits, *table, band, last, block, end_run);
      if (found == kBadBlock) return false;
      last = std::max(last, static_cast<std::uint8_t>(found));
    }
  }
  data_.bits = bits;
  return end_scan(headers, height == component.height_in_blocks);
}

BlockRows ProgressiveDecoder::rows(unsigned component, std::uint32_t mcu_row) const noexcept {
  const Plane& plane = planes_[component];
  const std::size_t at =
      plane.begin + std::size_t{mcu_row} * plane.v * plane.stride + std::size_t{region_.left} * plane.h;
  return {blocks_ + at * kBlock, last_.data() + at, plane.stride};
}

void ProgressiveDecoder::free_if_large() {
  fastbatch::free_if_large(storage_);
  fastbatch::free_if_large(last_);
}

}  // namespace fastbatch::jpeg
