// SPDX-License-Identifier: MIT
#include "codecs/jpeg/decoder.h"

#include <algorithm>

#include "common/stop.h"

namespace fastbatch::jpeg {
namespace {

JpegFrame geometry_of(const Frame& frame, const Tables& tables) {
  JpegFrame geometry{.size = frame.size, .colors = frame.colors, .components = {}};
  for (unsigned c = 0; c < frame.n_components; ++c) {
    const Component& component = frame.components[c];
    geometry.components.push_back(
        {.h = component.h, .v = component.v, .quantizers = tables.quantization[component.quantization]});
  }
  return geometry;
}

// Pixels [begin, begin + size) of an axis, at 1/denominator.
struct Range {
  std::size_t begin, size;
};
Range scaled_range(std::size_t begin, std::size_t size, unsigned denominator, std::size_t limit) {
  const std::size_t first = begin / denominator;
  return {first, std::min((begin + size + denominator - 1) / denominator, limit) - first};
}

}  // namespace

bool Decoder::open(std::span<const std::byte> file) {
  known_.reset();
  return headers_.open(file);
}

// The MCUs that the window's blocks are in.
McuRegion Decoder::region() const {
  McuRegion region{.left = frame().mcus_per_row,
                   .right = 0,
                   .top = static_cast<std::uint32_t>(pixels_.first_mcu_row()),
                   .bottom = static_cast<std::uint32_t>(pixels_.end_mcu_row())};
  for (unsigned c = 0; c < frame().n_components; ++c) {
    const auto [first, end] = pixels_.columns(c);
    const std::size_t h = frame().components[c].h;
    region.left = std::min(region.left, static_cast<std::uint32_t>(first / h));
    region.right = std::max(region.right, static_cast<std::uint32_t>((end - 1) / h + 1));
  }
  return region;
}

// What the index says of the file, if points help to reach the region.
SeekUse Decoder::look_up(const McuRegion& region) {
  const bool gains = region.top > 0 || region.left > 0 || region.right < frame().mcus_per_row;
  if (index_ == nullptr || !gains || has_scans_ || headers_.tables().restart_interval != 0 ||
      headers_.file().size() >= SeekTable::kMostFileBytes) {
    return {};
  }
  digest_ = digest_of(std::as_bytes(headers_.file()));
  known_ = index_->find(digest_);
  return {.known = known_.get(), .notes = known_ != nullptr || index_->has_room()};
}

// After a decode that was complete.
void Decoder::note() {
  if (sequential_.has_jumped()) index_->count_use();
  if (auto points = sequential_.take_points()) index_->add(digest_, std::move(points));
  known_.reset();
}

// After giving up: points that were wrong are not used again.
void Decoder::forget() {
  if (known_ != nullptr) index_->remove(digest_);
  known_.reset();
}

std::optional<ImageRows> Decoder::start(ColorMode mode, const ImagePart& part) {
  const unsigned denominator = part.denominator >= 8 ? 8 : part.denominator >= 4 ? 4 : part.denominator >= 2 ? 2 : 1;
  const JpegFrame geometry = geometry_of(frame(), headers_.tables());
  const ScaledFrame scaled = scaled_frame(geometry, denominator);
  const ImageSize size = frame().size;
  const bool all = part.window.width == 0 || part.window.height == 0;
  const Window asked = all ? Window{0, 0, size.width, size.height} : part.window;
  const Range x = scaled_range(asked.x, asked.width, denominator, scaled.size.width);
  const Range y = scaled_range(asked.y, asked.height, denominator, scaled.size.height);
  const Window window{x.begin, y.begin, x.size, y.size};
  if (!pixels_.start(geometry, denominator, window, mode)) return std::nullopt;

  McuRegion blocks = region();
  ComponentFlags dc_only{};
  bool interpolates_rows = false;
  for (unsigned c = 0; c < frame().n_components; ++c) {
    const ScaledComponent& component = scaled.components[c];
    // Enlarged by the inverse DCT and then by upsampling, as 4:1:0 at 1/2: libjpeg's pixels depend on the window.
    if (component.side * denominator > 8 && component.expand_x * component.expand_y > 1) return std::nullopt;
    dc_only[c] = component.side == 1;
    interpolates_rows |= component.interpolates_y();
  }
  // For the last two rows of pixels of a row of MCUs, libjpeg reads the next one, though the upper one needs it not: it
  // refuses a file that ends in there.
  const std::size_t end = y.begin + y.size;
  const bool ends_above = interpolates_rows && end + 1 == (blocks.bottom - 1) * std::size_t{scaled.mcu_height};
  reads_below_ = ends_above && !headers_.has_end_marker();
  if (ends_above && !reads_below_) --blocks.bottom;
  last_row_ = blocks.bottom - (reads_below_ ? 1 : 0);
  ends_image_ = end == scaled.size.height;
  rows_left_ = y.size;
  row_ = blocks.top;
  region_ = blocks;
  has_scans_ = frame().is_progressive || headers_.scan().n_components != frame().n_components;
  if (!(has_scans_ ? scans_.read(headers_, tables_, blocks, dc_only)
                   : sequential_.start(headers_, tables_, blocks, dc_only, look_up(blocks)))) {
    return std::nullopt;
  }
  return ImageRows{.scaled = scaled.size, .denominator = denominator, .window = window};
}

// The rows of blocks of row_, from the window's first block on.
void Decoder::take_block_rows() {
  block_rows_.clear();
  for (unsigned c = 0; c < frame().n_components; ++c) {
    const Component& component = frame().components[c];
    const BlockRows rows = has_scans_ ? scans_.rows(c, row_) : sequential_.rows(c);
    const std::size_t skipped = pixels_.columns(c).first - std::size_t{region_.left} * component.h;
    for (unsigned v = 0; v < component.v; ++v) {
      const std::size_t first = v * rows.stride + skipped;
      block_rows_.push_back({rows.coefficients + first * kBlock, rows.last + first});
    }
  }
}

bool Decoder::next_mcu_row() {
  throw_if_stopped();
  if (!has_scans_ && !sequential_.next_row()) return false;
  take_block_rows();
  ++row_;
  return pixels_.push(block_rows_) && (has_scans_ || !reads_below_ || row_ < last_row_ || sequential_.next_row());
}

bool Decoder::read_rows(std::uint8_t* rows, std::size_t n, std::size_t& got) {
  got = 0;
  n = std::min(n, rows_left_);
  while (got < n) {
    if (pixels_.ready() == 0 && !next_mcu_row()) {
      forget();
      return false;
    }
    const std::size_t some = pixels_.read(rows, n - got);
    rows += some * pixels_.row_bytes();
    got += some;
    rows_left_ -= some;
  }
  return true;
}

bool Decoder::check(ColorMode mode) {
  if (!start(mode, {})) return false;  // of several scans this reads all
  if (!has_scans_) {
    while (row_ < region_.bottom) {
      throw_if_stopped();
      if (!sequential_.pass_row()) return false;
      ++row_;
    }
  }
  rows_left_ = 0;
  return finish();
}

bool Decoder::finish() {
  if (rows_left_ > 0) return false;
  const bool is_complete = !ends_image_ || has_scans_ ||
                           (sequential_.finish() && headers_.next_scan(sequential_.marker()) && headers_.is_end());
  if (index_ != nullptr && !has_scans_) is_complete ? note() : forget();
  sequential_.free_if_large();
  scans_.free_if_large();
  return is_complete;
}

}  // namespace fastbatch::jpeg
