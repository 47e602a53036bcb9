// SPDX-License-Identifier: MIT
// The way of one decode over the points of a SeekTable: from which one to go on, which one proves that this was right,
// and which ones are new. Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codecs/jpeg/seek_table.h"

namespace fastbatch::jpeg {

struct SeekUse {
  const SeekTable* known = nullptr;  // of this file
  bool notes = false;                // the points behind the last known one
};

// A jump leads only to points behind which another one is known. The decode must come to that one, at the same bit and
// with the same DC coefficients, before what it has decoded counts.
class SeekPath {
 public:
  using File = std::span<const std::uint8_t>;
  using Coefficients = std::array<int, kMostComponents>;
  static constexpr std::uint64_t kNever = UINT64_MAX;

  // `origin`: file offset of the data.
  void start(const Frame& frame, const SeekUse& use, std::size_t origin);

  struct Jump {
    std::uint64_t mcu = 0;  // where it leads
    SeekPoint point{};
    std::optional<std::size_t> stop{};  // file offset behind what is needed; none: the rest of the data
  };
  // Where to jump in order to decode the MCUs [begin, end) of a row; none: go on at `mcu`. `must`: one cannot go on
  // there.
  [[nodiscard]] std::optional<Jump> jump(std::uint64_t begin, std::uint64_t end, std::uint64_t mcu, bool must);

  // The MCU before which to call pass(), or kNever.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  // `bits` were taken since the origin, or the last jump. False: the jump was wrong.
  [[nodiscard]] bool pass(File file, std::uint64_t bits, const Coefficients& dc);
  // The last jump was not checked yet; next() is where it is.
  [[nodiscard]] bool is_unchecked() const noexcept { return check_ != 0; }

  // Whether an earlier decode has come to a point of the grid.
  [[nodiscard]] bool is_known(std::uint64_t mcu) const noexcept {
    return known_ != nullptr && grid_.before(mcu) < known_->size();
  }
  // The file offset of a known point.
  [[nodiscard]] std::size_t offset_of(std::uint64_t mcu) const noexcept {
    return static_cast<std::size_t>((*known_)[grid_.before(mcu)].bit / 8);
  }
  [[nodiscard]] bool has_jumped() const noexcept { return has_jumped_; }
  // The known points and the new ones; null if none is new. After the decode.
  [[nodiscard]] std::unique_ptr<const SeekTable> take(File file, unsigned n_components);

 private:
  void find_next() noexcept;

  SeekGrid grid_;
  const SeekTable* known_ = nullptr;  // null: too few points
  bool notes_ = false;
  bool has_jumped_ = false;
  std::uint64_t next_ = kNever;
  std::size_t check_ = 0;         // point that checks the last jump; 0: it was checked
  SeekPoint from_{};              // of the last jump
  std::size_t origin_ = 0;        // file offset from which bits count
  std::vector<SeekPoint> noted_;  // their bits count from origin_
};

}  // namespace fastbatch::jpeg
