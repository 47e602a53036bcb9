// SPDX-License-Identifier: MIT
#include "text/files.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/error.h"
#include "common/stop.h"
#include "common/unicode_space.h"

namespace fastbatch {
namespace {

constexpr std::array<std::byte, 3> kByteOrderMark{std::byte{0xEF}, std::byte{0xBB}, std::byte{0xBF}};

// A small compressed file may hold any amount of data; `src/fastbatch/source/compressed.py` has the same number.
constexpr std::size_t kMostCompressed = std::size_t{1} << 28U;

bool is_gzip(std::string_view path) {
  if (path.size() < 3) return false;
  const std::string_view end = path.substr(path.size() - 3);
  return end[0] == '.' && (end[1] == 'g' || end[1] == 'G') && (end[2] == 'z' || end[2] == 'Z');
}

}  // namespace

TextFiles::TextFiles(std::shared_ptr<const std::vector<std::string>> paths, TextFormat format, TextPosition start)
    : paths_(std::move(paths)), format_(format), next_path_(start.unit), offset_(start.byte) {}

void TextFiles::open() {
  file_.emplace((*paths_)[next_path_]);
  advise_sequential(file_->handle());
  if (is_gzip(file_->path())) gzip_.emplace(*file_);
  std::array<std::byte, 1> before{};
  const bool is_long_enough = gzip_ ? offset_ == 0 || read_at(offset_ - 1, before) == 1 : file_->size() >= offset_;
  if (!is_long_enough) {
    throw FormatError({file_->path()}, "the file ends before the saved position: expected at least " +
                                           std::to_string(offset_) + " bytes, found " +
                                           (gzip_ ? "fewer" : std::to_string(file_->size())));
  }
  if (format_.encoding == TextEncoding::kUtf8Sig && offset_ == 0) {
    std::array<std::byte, kByteOrderMark.size()> start{};
    if (read_at(0, start) == start.size() && start == kByteOrderMark) offset_ = start.size();
  }
}

std::size_t TextFiles::read_at(std::uint64_t offset, std::span<std::byte> dst) {
  return gzip_ ? gzip_->read_at(offset, dst) : file_->read_at(offset, dst);
}

bool TextFiles::fill(TextBlock& block, std::size_t size) {
  TextBuffer& text = block.text;
  const std::size_t before = text.size();
  if (gzip_ && before >= kMostCompressed) {
    throw FormatError({file_->path(), {}, offset_ - before},
                      "a word or line that is too long in a compressed file: expected at most 256 MiB, found more");
  }
  if (before >= TextBlock::kMaxSize) {
    throw FormatError({file_->path(), {}, offset_ - before},
                      "a word or line that is too long: expected less than 4 GiB, found more");
  }
  size = std::min(size, TextBlock::kMaxSize - before);
  text.reserve(before + size);
  const std::size_t got = read_at(offset_, {text.data() + before, size});
  text.resize(before + got);
  offset_ += got;
  if (got == size) return true;
  if (!gzip_ && offset_ < file_->size()) {
    throw FormatError({file_->path()}, "the file became shorter while it was read: expected " +
                                           std::to_string(file_->size()) + " bytes, found " + std::to_string(offset_));
  }
  return false;
}

bool TextFiles::read(TextBlock& block) {
  if (!file_ && next_path_ == paths_->size()) return false;
  if (!file_) open();
  block.path = next_path_;
  block.segments.push_back({0, {next_path_, offset_ - carried_.size()}});
  block.text.append(carried_.data(), carried_.size());
  carried_.clear();
  block.is_end_of_file = false;
  for (std::size_t cut = 0, searched = 0; cut == 0;) {
    throw_if_stopped();
    // An item that no piece holds makes the pieces grow, so that it is not copied again and again.
    block.is_end_of_file = !fill(block, std::max(format_.block_size, block.text.size()));
    if (block.is_end_of_file) break;
    cut = cut_of(block, searched);
    searched = block.text.size() - std::min<std::size_t>(block.text.size(), 3);  // a space may begin in the last bytes
    if (cut != 0) {
      const auto rest = block.text.bytes().subspan(cut);
      carried_.assign(rest.begin(), rest.end());
      block.text.resize(cut);
    }
  }
  if (block.is_end_of_file) {
    gzip_.reset();
    file_.reset();
    ++next_path_;
    offset_ = 0;
  }
  return true;
}

// The end of the last complete item, including its space or newline; 0 if that is not after `from`.
std::size_t TextFiles::cut_of(const TextBlock& block, std::size_t from) const noexcept {
  const auto* text = reinterpret_cast<const std::uint8_t*>(block.text.data());
  const std::size_t size = block.text.size();
  if (format_.item == TextItem::kLine) return cut_of_line({text, size}, from);
  const bool is_wide = format_.encoding == TextEncoding::kUtf8 || format_.encoding == TextEncoding::kUtf8Sig;
  for (std::size_t i = size; i-- > from;) {
    if (text[i] < 0x80 || is_wide) {
      const std::size_t space = space_size(text + i, size - i);
      if (space != 0) return i + space;
    }
  }
  return 0;
}

std::size_t TextFiles::cut_of_line(std::span<const std::uint8_t> text, std::size_t from) const noexcept {
  if (from >= text.size()) return 0;
  const auto last = [&](char byte, std::size_t begin, std::size_t end) {  // position after the last such byte, or 0
    const std::string_view part(reinterpret_cast<const char*>(text.data()) + begin, end - begin);
    const std::size_t found = part.rfind(byte);
    return found == std::string_view::npos ? 0 : begin + found + 1;
  };
  const std::size_t after_newline = last('\n', from, text.size());
  const std::size_t begin = std::max(from, after_newline);
  // A '\r' may be followed by its '\n', possibly after invalid bytes that are ignored.
  for (std::size_t end = text.size() - 1; end > begin;) {
    const std::size_t next = last('\r', begin, end);
    if (next == 0) break;
    if (format_.errors != TextErrors::kIgnore || text[next] < 0x80) return next;
    end = next - 1;
  }
  return after_newline;
}

}  // namespace fastbatch
