// SPDX-License-Identifier: MIT
// MappedFile's readahead: advice to the system about the pages that are not in memory.
#include <algorithm>

#include "source/block_space.h"
#include "source/mapped_file.h"

namespace fastbatch {
namespace {

// The pages of `ranges`, sorted, without duplicates, neighbours merged.
std::vector<PageRange> merge(std::span<const ByteRange> ranges, std::uint64_t file_bytes) {
  const std::uint64_t page = page_bytes();
  std::vector<PageRange> pieces;
  pieces.reserve(ranges.size());
  for (const ByteRange& range : ranges) {
    if (range.size == 0 || range.offset >= file_bytes) continue;
    const std::uint64_t end = range.offset + std::min(range.size, file_bytes - range.offset);
    pieces.push_back({range.offset / page, (end - 1) / page + 1});
  }
  std::sort(pieces.begin(), pieces.end(), [](const PageRange& a, const PageRange& b) { return a.first < b.first; });
  std::size_t n = 0;
  for (const PageRange& piece : pieces) {
    if (n > 0 && piece.first <= pieces[n - 1].last) {
      pieces[n - 1].last = std::max(pieces[n - 1].last, piece.last);
    } else {
      pieces[n++] = piece;
    }
  }
  pieces.resize(n);
  return pieces;
}

}  // namespace

void MappedFile::set_access(Access access) const noexcept {
  if (!bytes_.empty() && !space_) advise_access(bytes_, access);
}

std::size_t MappedFile::advise_will_need(std::span<const ByteRange> ranges) const {
  if (space_) {
    for (const PageRange& piece : merge(ranges, size()))
      space_->note_use(piece.first * page_bytes(), piece.last * page_bytes());
    return 0;
  }
  std::uint64_t n_missing = 0;
  auto ask_for = [&](PageRange pages) {
    fastbatch::advise_will_need(bytes_, pages);
    n_missing += pages.last - pages.first;
  };
  const bool asks_file = residency_ == Residency::kOfFile;
  std::unique_ptr<OpenFile> again;
  const OpenFile* const file = asks_file ? opened(again) : nullptr;
  for (const PageRange& piece : merge(ranges, size())) {
    if (asks_file && file == nullptr) {
      ask_for(piece);
      continue;
    }
    for (const PageRange& pages : missing_pages(bytes_, piece, residency_, file == nullptr ? -1 : file->handle())) {
      ask_for(pages);
    }
  }
  return static_cast<std::size_t>(n_missing * page_bytes());
}

}  // namespace fastbatch
