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
                              const ComponentFlags& dc_only, const SeekUse& points) {
  headers_ = &headers;
  cache_ = &cache;
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
    n_blocks += part.stride * part.v;
    blocks_in_mcu_ += part.h * part.v;
  }
  if (std::ranges::count(dc_only, true) != 0 && !find_skips()) return false;
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
  mcu_ = 0;
  is_cut_ = false;
  path_.start(frame, interval_ == 0 ? points : SeekUse{}, scan.data);
  return pass_points();
}

// Goes to an MCU, to decode those before `end`.
bool SequentialDecoder::reach(std::uint64_t mcu, std::uint64_t end) {
  if (const auto jump = path_.jump(mcu, end, mcu_, is_cut_)) {
    if (!data_.open_at(headers_->file(), jump->point.bit, jump->stop.value_or(headers_->file().size()))) return false;
    for (unsigned c = 0; c < n_parts_; ++c) parts_[c].previous = jump->point.dc[c];
    mcu_ = jump->mcu;
    is_cut_ = jump->stop.has_value();
  }
  return skip(mcu - mcu_);
}

bool SequentialDecoder::pass_points() {
  if (mcu_ != path_.next()) return true;
  SeekPath::Coefficients dc{};
  for (unsigned c = 0; c < n_parts_; ++c) dc[c] = parts_[c].previous;
  return path_.pass(headers_->file(), data_.position(data_.bits), dc);
}

// So many MCUs that no point is passed.
std::uint32_t SequentialDecoder::limited(std::uint64_t n_mcus) const noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>({n_mcus, path_.next() - mcu_, UINT32_MAX}));
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

// `jumps`: whole intervals between restart markers need not be read.
bool SequentialDecoder::skip(std::uint64_t n_mcus, bool jumps) {
  if (interval_ == 0) {
    // In portions in which DC coefficients cannot overflow.
    while (n_mcus > 0) {
      const std::uint32_t n = std::min(limited(n_mcus), static_cast<std::uint32_t>(kSafeBlocks / blocks_in_mcu_));
      if (!skip_interval(n)) return false;
      mcu_ += n;
      n_mcus -= n;
      if (!pass_points()) return false;
    }
    return true;
  }
  while (n_mcus > 0) {
    if (to_restart_ == 0 && !restart()) return false;
    if (jumps && to_restart_ == interval_ && n_mcus >= interval_ &&
        std::uint64_t{interval_} * blocks_in_mcu_ <= kSafeBlocks) {
      if (!data_.find_marker()) return false;
      is_jumped_ = true;
      to_restart_ = 0;
      mcu_ += interval_;
      n_mcus -= interval_;
      continue;
    }
    auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(n_mcus, to_restart_));
    n = std::min(n, static_cast<std::uint32_t>(kSafeBlocks / blocks_in_mcu_));
    if (!skip_interval(n)) return false;
    to_restart_ -= n;
    mcu_ += n;
    n_mcus -= n;
  }
  return true;
}

bool SequentialDecoder::decode(std::uint32_t n_mcus) {
  std::uint32_t done = 0;
  while (done < n_mcus) {
    std::uint32_t n = limited(n_mcus - done);
    if (interval_ != 0) {
      if (to_restart_ == 0 && !restart()) return false;
      n = std::min(n, to_restart_);
      to_restart_ -= n;
    }
    if (!decode_interval(done, n)) return false;
    done += n;
    mcu_ += n;
    if (!pass_points()) return false;
  }
  return true;
}

// Values that no encoder makes, and that overflow in one decoder and not in another.
bool SequentialDecoder::has_wide_dc() noexcept {
  return std::any_of(parts_.begin(), parts_.begin() + n_parts_,
                     [](const Part& part) { return part.previous < INT16_MIN || part.previous > INT16_MAX; });
}

// Not before the first block that is skipped: the tables are large.
bool SequentialDecoder::find_skips() {
  const Scan& scan = headers_->scan();
  const Tables& tables = headers_->tables();
  for (unsigned c = 0; c < n_parts_; ++c) {
    parts_[c].skips = cache_->skips(tables.dc[scan.dc[c]], tables.ac[scan.ac[c]]);
    if (parts_[c].skips == nullptr) return false;
  }
  return true;
}

bool SequentialDecoder::skip_interval(std::uint32_t n_mcus) {
  if (parts_[0].skips == nullptr && !find_skips()) return false;
  Bits bits = data_.bits;
  for (std::uint32_t i = 0; i < n_mcus; ++i) {
    if (!data_.prepare(bits)) return false;
    for (unsigned c = 0; c < n_parts_; ++c) {
      Part& part = parts_[c];
      for (unsigned block = 0; block < part.h * part.v; ++block) {
        if (!skip_block(bits, *part.dc, *part.ac, *part.skips, part.previous)) return false;
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
          if (part.dc_only) {
            if (!skip_block(bits, *part.dc, *part.ac, *part.skips, part.previous)) return false;
            range |= static_cast<std::uint32_t>(part.previous + 32768);
            block[0] = static_cast<std::int16_t>(part.previous);
            last_[at + x] = 0;
            continue;
          }
          if (!decode_dc(bits, *part.dc, part.previous)) return false;
          range |= static_cast<std::uint32_t>(part.previous + 32768);
          clear(block);
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
  const std::uint64_t begin = first_mcu(row_) + region_.left;
  const std::uint64_t end = first_mcu(row_) + region_.right;
  if (!reach(begin, end) || !decode(region_.right - region_.left)) return false;
  if (path_.is_unchecked() && !skip(path_.next() - mcu_)) return false;
  if (!data_.has_taken(data_.bits)) return false;
  ++row_;
  // libjpeg reads the whole row, and refuses the file if it ends before. It cannot end before its end marker, nor where
  // it did not before.
  const std::uint64_t row_end = first_mcu(row_);
  const bool is_done = row_ == region_.bottom && row_ < headers_->frame().mcu_rows && headers_->has_end_marker();
  return is_done || path_.is_known(row_end) || (skip(row_end - mcu_) && data_.has_taken(data_.bits));
}

bool SequentialDecoder::pass_row() {
  if (!skip(headers_->frame().mcus_per_row, false) || !data_.has_taken(data_.bits)) return false;
  ++row_;
  return true;
}

BlockRows SequentialDecoder::rows(unsigned component) const noexcept {
  const Part& part = parts_[component];
  return {blocks_ + part.begin * kBlock, last_.data() + part.begin, part.stride};
}

bool SequentialDecoder::finish() {
  if (row_ < headers_->frame().mcu_rows) return true;
  if (path_.is_known(first_mcu(row_))) {
    data_.open(headers_->file(), path_.offset_of(first_mcu(row_)));
    return data_.find_marker();
  }
  return is_jumped_ ? data_.find_marker() : data_.finish(data_.bits);
}

void SequentialDecoder::free_if_large() {
  fastbatch::free_if_large(storage_);
  fastbatch::free_if_large(last_);
}

}  // namespace fastbatch::jpeg
