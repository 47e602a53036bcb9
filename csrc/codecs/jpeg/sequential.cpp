// SPDX-License-Identifier: MIT
#include "codecs/jpeg/sequential.h"

#include <algorithm>

#include "codecs/jpeg/block_decoder.h"
#include "common/memory.h"

namespace fastbatch::jpeg {
namespace {

constexpr std::size_t kAlignment = 64;  // bytes, of a row of blocks
// A sum of so many differences of DC coefficients stays below 2^31, where libjpeg would refuse the file.
constexpr std::uint64_t kSafeBlocks = 65535;

}  // namespace

bool SequentialDecoder::start(const Headers& headers, HuffmanCache& cache, const McuRegion& region,
                              const ComponentFlags& dc_only) {
  headers_ = &headers;
  region_ = region;
  const Frame& frame = headers.frame();
  const Scan& scan = headers.scan();
  const Tables& tables = headers.tables();
  if (frame.is_progressive || scan.n_components != frame.n_components) return false;
  n_parts_ = frame.n_components;
  blocks_in_mcu_ = 0;
  std::size_t n_blocks = 0;
  for (unsigned c = 0; c < n_parts_; ++c) {
    Part& part = parts_[c];
    const Component& component = frame.components[c];
    AcTable* const ac = cache.ac(tables.ac[scan.ac[c]]);
    part = {.dc = cache.dc(tables.dc[scan.dc[c]]),
            .ac = ac,
            .h = component.h,
            .v = component.v,
            .dc_only = dc_only[c],
            .begin = n_blocks,
            .stride = std::size_t{region.right - region.left} * component.h};
    if (part.dc == nullptr || ac == nullptr) return false;
    ac->build_pairs();
    ac->build_skips();
    n_blocks += part.stride * part.v;
    blocks_in_mcu_ += part.h * part.v;
  }
  last_.resize(n_blocks);
  // One block more: the padding that kNaturalOrNext needs.
  storage_.resize((n_blocks + 1) * kBlock + kAlignment / sizeof(std::int16_t));
  const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
  blocks_ = storage_.data() + ((kAlignment - address % kAlignment) % kAlignment) / sizeof(std::int16_t);

  data_.open(headers.file(), scan.data);
  interval_ = to_restart_ = tables.restart_interval;
  next_restart_ = 0;
  is_jumped_ = false;
  row_ = region.top;
  return skip(std::uint64_t{region.top} * frame.mcus_per_row);
}

bool SequentialDecoder::restart() {
  if (!is_jumped_ && !data_.finish(data_.bits)) return false;
  is_jumped_ = false;
  if (headers_->file()[data_.marker() + 1] != 0xD0 + next_restart_) return false;
  next_restart_ = (next_restart_ + 1) & 7U;
  to_restart_ = interval_;
  for (Part& part : parts_) part.previous = 0;
  data_.open(headers_->file(), data_.marker() + 2);
  return true;
}

bool SequentialDecoder::skip(std::uint64_t n_mcus) {
  if (interval_ == 0) {
    // In portions in which DC coefficients cannot overflow.
    while (n_mcus > 0) {
      const auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(n_mcus, kSafeBlocks / blocks_in_mcu_));
      if (!skip_interval(n)) return false;
      n_mcus -= n;
    }
    return true;
  }
  while (n_mcus > 0) {
    if (to_restart_ == 0 && !restart()) return false;
    if (to_restart_ == interval_ && n_mcus >= interval_ && std::uint64_t{interval_} * blocks_in_mcu_ <= kSafeBlocks) {
      if (!data_.find_marker()) return false;
      is_jumped_ = true;
      to_restart_ = 0;
      n_mcus -= interval_;
      continue;
    }
    auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(n_mcus, to_restart_));
    n = std::min(n, static_cast<std::uint32_t>(kSafeBlocks / blocks_in_mcu_));
    if (!skip_interval(n)) return false;
    to_restart_ -= n;
    n_mcus -= n;
  }
  return true;
}

bool SequentialDecoder::decode(std::uint32_t n_mcus) {
  std::uint32_t done = 0;
  while (done < n_mcus) {
    std::uint32_t n = n_mcus - done;
    if (interval_ != 0) {
      if (to_restart_ == 0 && !restart()) return false;
      n = std::min(n, to_restart_);
      to_restart_ -= n;
    }
    if (!decode_interval(done, n)) return false;
    done += n;
  }
  return true;
}

// Values that no encoder makes, and that overflow in one decoder and not in another.
bool SequentialDecoder::has_wide_dc() noexcept {
  return std::any_of(parts_.begin(), parts_.begin() + n_parts_,
                     [](const Part& part) { return part.previous < INT16_MIN || part.previous > INT16_MAX; });
}

bool SequentialDecoder::skip_interval(std::uint32_t n_mcus) {
  Bits bits = data_.bits;
  for (std::uint32_t i = 0; i < n_mcus; ++i) {
    if (!data_.prepare(bits)) return false;
    for (unsigned c = 0; c < n_parts_; ++c) {
      Part& part = parts_[c];
      for (unsigned block = 0; block < part.h * part.v; ++block) {
        if (!decode_dc(bits, *part.dc, part.previous) || !skip_ac(bits, *part.ac)) return false;
      }
    }
  }
  data_.bits = bits;
  return !has_wide_dc();
}

bool SequentialDecoder::decode_interval(std::uint32_t first, std::uint32_t n_mcus) {
  Bits bits = data_.bits;
  std::uint32_t range = 0;  // of DC coefficients
  for (std::uint32_t i = first; i < first + n_mcus; ++i) {
    if (!data_.prepare(bits)) return false;
    for (unsigned c = 0; c < n_parts_; ++c) {
      Part& part = parts_[c];
      for (unsigned y = 0; y < part.v; ++y) {
        const std::size_t at = part.begin + y * part.stride + std::size_t{i} * part.h;
        for (unsigned x = 0; x < part.h; ++x) {
          std::int16_t* const block = blocks_ + (at + x) * kBlock;
          if (!decode_dc(bits, *part.dc, part.previous)) return false;
          range |= static_cast<std::uint32_t>(part.previous + 32768);
          if (part.dc_only) {
            block[0] = static_cast<std::int16_t>(part.previous);
            last_[at + x] = 0;
            if (!skip_ac(bits, *part.ac)) return false;
            continue;
          }
          std::memset(block, 0, kBlock * sizeof(std::int16_t));
          block[0] = static_cast<std::int16_t>(part.previous);
          const int last = decode_ac(bits, *part.ac, block);
          if (last == kBadBlock) return false;
          last_[at + x] = static_cast<std::uint8_t>(last);
        }
      }
    }
  }
  data_.bits = bits;
  return range <= UINT16_MAX;
}

bool SequentialDecoder::next_row() {
  const std::uint32_t per_row = headers_->frame().mcus_per_row;
  if (!skip(region_.left) || !decode(region_.right - region_.left)) return false;
  if (!data_.has_taken(data_.bits)) return false;
  ++row_;
  // libjpeg reads the whole row, and refuses the file if it ends before. It cannot end before its end marker.
  const bool is_done = row_ == region_.bottom && row_ < headers_->frame().mcu_rows && headers_->has_end_marker();
  return is_done || (skip(per_row - region_.right) && data_.has_taken(data_.bits));
}

BlockRows SequentialDecoder::rows(unsigned component) const noexcept {
  const Part& part = parts_[component];
  return {blocks_ + part.begin * kBlock, last_.data() + part.begin, part.stride};
}

bool SequentialDecoder::finish() {
  if (row_ < headers_->frame().mcu_rows) return true;
  return is_jumped_ ? data_.find_marker() : data_.finish(data_.bits);
}

void SequentialDecoder::free_if_large() {
  fastbatch::free_if_large(storage_);
  fastbatch::free_if_large(last_);
}

}  // namespace fastbatch::jpeg
