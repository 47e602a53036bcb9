// SPDX-License-Identifier: MIT
#include "text/shuffled_lines.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/error.h"
#include "kernels/scan.h"
#include "source/guarded_read.h"

namespace fastbatch {
namespace {

constexpr std::size_t kIndexBlock = std::size_t{1} << 20;
constexpr std::size_t kOrdersAtOnce = 256;

}  // namespace

LineIndex::LineIndex(std::shared_ptr<const std::vector<std::string>> paths, TextEncoding encoding) {
  for (const std::string& path : *paths) files_.push_back(std::make_unique<MappedFile>(path));
  TextFiles source(paths, {TextItem::kLine, encoding, TextErrors::kStrict, kIndexBlock});
  std::vector<std::uint32_t> ends;
  std::size_t file = 0;
  first_lines_.push_back(0);
  for (TextBlock block; block.clear(), source.read(block);) {
    for (; file < block.path; ++file) first_lines_.push_back(begins_.size());
    const auto text = block.text.bytes();
    ends.resize(std::max(ends.size(), kernels::scan_room(text.size())));
    const std::size_t n = kernels::find_line_ends(text, ends.data()).n;
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < n; ++i) {
      begins_.push_back(block.position_of(static_cast<std::size_t>(begin)).byte);
      if (text[ends[i]] == std::byte{'\r'}) {
        const bool is_pair = ends[i] + 1 < text.size() && text[ends[i] + 1] == std::byte{'\n'};
        if (is_pair) ++i;
        has_lone_return_ |= !is_pair;
      }
      begin = ends[i] + 1;
    }
    if (begin < text.size()) {
      begins_.push_back(block.position_of(static_cast<std::size_t>(begin)).byte);
      cut_short_.push_back(begins_.size() - 1);
    }
  }
  for (; file < files_.size(); ++file) first_lines_.push_back(begins_.size());
  for (const auto& mapped : files_) mapped->set_access(Access::kRandom);
}

LineIndex::Line LineIndex::operator[](std::uint64_t i) const noexcept {
  const auto after = std::upper_bound(first_lines_.begin(), first_lines_.end(), i);
  const auto file = static_cast<std::size_t>(after - first_lines_.begin()) - 1;
  return {file, i, begins_[i], i + 1 == *after ? files_[file]->size() : begins_[i + 1]};
}

ShuffledLines::ShuffledLines(std::shared_ptr<const LineIndex> index, Order order, std::size_t block_size,
                             TextPosition start)
    : index_(std::move(index)), order_(std::move(order)), block_size_(block_size), next_(start) {}

bool ShuffledLines::read(TextBlock& block) {
  if (next_.unit >= order_.size()) return false;
  pieces_.clear();
  std::array<std::uint64_t, kOrdersAtOnce> numbers{};
  std::size_t size = 0;
  for (bool is_full = false; !is_full && next_.unit < order_.size();) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(numbers.size(), order_.size() - next_.unit));
    order_.fill(next_.unit, 1, std::span(numbers).first(n));
    for (std::size_t j = 0; j < n && !is_full; ++j) {
      const LineIndex::Line line = (*index_)[numbers[j]];
      const std::uint64_t begin = line.begin + next_.byte;
      if (begin > line.end) {
        throw FormatError({index_->file(line.file).path()}, "the saved position lies beyond the end of its line");
      }
      const std::uint64_t line_size = line.end - begin;
      // A lone "\n" would be joined to a '\r' at the end of the previous line.
      const bool joins = index_->has_lone_return() && line_size == 1;
      if (size != 0 && (joins || size + line_size > block_size_)) {
        is_full = true;
        break;
      }
      if (line_size > TextBlock::kMaxSize) {
        throw FormatError({index_->file(line.file).path(), {}, begin},
                          "a line that is too long: expected less than 4 GiB, found more");
      }
      block.segments.push_back({size, next_});
      pieces_.push_back({line.file, begin, static_cast<std::size_t>(line_size), size});
      size += static_cast<std::size_t>(line_size);
      next_ = {next_.unit + 1, 0};
      is_full = index_->is_cut_short(line);  // without a newline the next line would be joined to it
    }
  }
  block.text.reserve(size);
  block.text.resize(size);
  copy_pieces(block.text);
  return true;
}

void ShuffledLines::copy_pieces(TextBuffer& text) {
  // One guard for all lines of a file.
  std::sort(pieces_.begin(), pieces_.end(),
            [](const Piece& a, const Piece& b) { return a.file != b.file ? a.file < b.file : a.at < b.at; });
  for (auto first = pieces_.begin(); first != pieces_.end();) {
    const MappedFile& file = index_->file(first->file);
    const auto last = std::find_if(first, pieces_.end(), [&](const Piece& piece) { return piece.file != first->file; });
    const std::byte* const src = file.bytes().data();
    std::byte* const dst = text.data();
    const Piece* const begin = &*first;
    const Piece* const end = begin + (last - first);
    read_guarded(file, file.size(), [=]() noexcept {
      for (const Piece* piece = begin; piece != end; ++piece) {
        std::memcpy(dst + piece->at, src + piece->begin, piece->size);
      }
    });
    first = last;
  }
}

Where ShuffledLines::where(const TextBlock& block, std::size_t at) const {
  const TextPosition position = block.position_of(at);
  const LineIndex::Line line = (*index_)[order_.at(position.unit)];
  return {index_->file(line.file).path(), {}, line.begin + position.byte};
}

}  // namespace fastbatch
