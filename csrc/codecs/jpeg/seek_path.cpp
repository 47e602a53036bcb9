// SPDX-License-Identifier: MIT
#include "codecs/jpeg/seek_path.h"

#include <algorithm>

#include "common/memory.h"

namespace fastbatch::jpeg {

void SeekPath::start(const Frame& frame, const SeekUse& use, std::size_t origin) {
  grid_ = SeekGrid(frame);
  known_ = use.known != nullptr && use.known->size() >= 2 && use.known->size() <= grid_.size() ? use.known : nullptr;
  notes_ = use.notes;
  has_jumped_ = false;
  check_ = 0;
  origin_ = origin;
  free_if_large(noted_);
  noted_.clear();
  find_next();
}

void SeekPath::find_next() noexcept {
  const std::size_t n_points = (known_ == nullptr ? 0 : known_->size()) + noted_.size();
  next_ = check_ != 0 ? grid_.mcu_of(check_) : notes_ && n_points < grid_.size() ? grid_.mcu_of(n_points) : kNever;
}

std::optional<SeekPath::Jump> SeekPath::jump(std::uint64_t begin, std::uint64_t end, std::uint64_t mcu, bool must) {
  if (known_ == nullptr || !noted_.empty()) return std::nullopt;  // behind all points: none is nearer
  const std::size_t last = known_->size() - 1;
  const std::size_t point = std::min(grid_.before(begin), last - 1);
  const std::uint64_t target = grid_.mcu_of(point);
  if (target <= mcu && mcu <= begin && !must) return std::nullopt;
  const std::size_t behind = grid_.after(end);
  has_jumped_ = true;
  check_ = std::min(behind, last);
  from_ = (*known_)[point];
  origin_ = static_cast<std::size_t>(from_.bit / 8);
  find_next();
  Jump jump{.mcu = target, .point = from_};
  // After a whole row, the next one follows at once; and what is behind the last point, too.
  if (!grid_.is_row(begin, end) && grid_.next_row(begin) <= last) {
    jump.stop = static_cast<std::size_t>(((*known_)[behind].bit + 7) / 8);
  }
  return jump;
}

bool SeekPath::pass(File file, std::uint64_t bits, const Coefficients& dc) {
  if (check_ == 0) {
    noted_.push_back({.bit = bits, .dc = dc});
    find_next();
    return true;
  }
  const SeekPoint expected = (*known_)[check_];
  const std::size_t n_bytes = count_data(file, origin_, static_cast<std::size_t>(expected.bit / 8));
  check_ = 0;
  find_next();
  return bits == n_bytes * std::uint64_t{8} + expected.bit % 8 && dc == expected.dc;
}

std::unique_ptr<const SeekTable> SeekPath::take(File file, unsigned n_components) {
  if (noted_.empty()) return nullptr;
  find_in_file(file, origin_, noted_);
  auto table = std::make_unique<SeekTable>(n_components);
  table->reserve(grid_.size());
  for (std::size_t i = 0; known_ != nullptr && i < known_->size(); ++i) table->add((*known_)[i]);
  for (const SeekPoint& point : noted_) table->add(point);
  noted_.clear();
  return table;
}

}  // namespace fastbatch::jpeg
