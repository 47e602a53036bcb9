// SPDX-License-Identifier: MIT
// The lines of files in a random order. The order is computed, not stored; an index holds the offset of each line.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "plan/order.h"
#include "source/mapped_file.h"
#include "text/files.h"

namespace fastbatch {

// The offsets of all lines of some files, 8 bytes per line. Threads: immutable once built.
class LineIndex {
 public:
  struct Line {
    std::size_t file = 0;
    std::uint64_t number = 0;
    std::uint64_t begin = 0, end = 0;  // offsets in the file, including '\n', '\r' or "\r\n"
  };

  // Reads the files once. Throws FileError, FormatError.
  LineIndex(std::shared_ptr<const std::vector<std::string>> paths, TextEncoding encoding);

  [[nodiscard]] std::uint64_t size() const noexcept { return begins_.size(); }
  [[nodiscard]] Line operator[](std::uint64_t i) const noexcept;
  // True for the last line of a file that does not end with a newline.
  [[nodiscard]] bool is_cut_short(const Line& line) const noexcept {
    return std::binary_search(cut_short_.begin(), cut_short_.end(), line.number);
  }
  [[nodiscard]] bool has_lone_return() const noexcept { return has_lone_return_; }  // some line ends with '\r'
  [[nodiscard]] const MappedFile& file(std::size_t i) const noexcept { return *files_[i]; }

 private:
  std::vector<std::unique_ptr<MappedFile>> files_;
  std::vector<std::uint64_t> first_lines_;  // first line of each file, and the total number
  std::vector<std::uint64_t> begins_;       // offset of each line in its file
  std::vector<std::uint64_t> cut_short_;    // numbers of those lines, ascending
  bool has_lone_return_ = false;
};

// Units are positions in the order. A file that became shorter since it was indexed is an error. Threads: one at a
// time.
class ShuffledLines : public TextSource {
 public:
  ShuffledLines(std::shared_ptr<const LineIndex> index, Order order, std::size_t block_size, TextPosition start);

  bool read(TextBlock& block) override;
  [[nodiscard]] Where where(const TextBlock& block, std::size_t at) const override;

 private:
  struct Piece {
    std::size_t file;
    std::uint64_t begin;
    std::size_t size;
    std::size_t at;  // offset in the block
  };
  void copy_pieces(TextBuffer& text);

  const std::shared_ptr<const LineIndex> index_;
  const Order order_;
  const std::size_t block_size_;
  TextPosition next_;
  std::vector<Piece> pieces_;
};

}  // namespace fastbatch
