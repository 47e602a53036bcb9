// SPDX-License-Identifier: MIT
// Reads text files one after another, in blocks that end with a whole word or line. Of a file whose name ends in .gz,
// the inflated content; offsets are those of the content.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "source/gzip_file.h"
#include "source/open_file.h"
#include "text/block.h"

namespace fastbatch {

struct TextFormat {
  TextItem item = TextItem::kWord;
  TextEncoding encoding = TextEncoding::kUtf8;
  TextErrors errors = TextErrors::kStrict;
  std::size_t block_size = std::size_t{1} << 17;  // bytes per read, > 0
};

// The last item of a file ends with the file. Bytes appended to a file before its end is reached are read too, as by
// open(); a file that became shorter is an error.
// Threads: one at a time.
class TextFiles : public TextSource {
 public:
  // Reads from `start`, which must be the beginning of an item or white space in file `start.unit`.
  TextFiles(std::shared_ptr<const std::vector<std::string>> paths, TextFormat format, TextPosition start = {});

  bool read(TextBlock& block) override;
  [[nodiscard]] Where where(const TextBlock& block, std::size_t at) const override {
    return {(*paths_)[block.path], {}, block.position_of(at).byte};
  }

 private:
  void open();
  bool fill(TextBlock& block, std::size_t size);                        // false at the end of the file
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> dst);  // of the content
  [[nodiscard]] std::size_t cut_of(const TextBlock& block, std::size_t from) const noexcept;
  [[nodiscard]] std::size_t cut_of_line(std::span<const std::uint8_t> text, std::size_t from) const noexcept;

  std::shared_ptr<const std::vector<std::string>> paths_;
  TextFormat format_;
  std::size_t next_path_;
  std::uint64_t offset_;            // offset of the next byte to read in the open file
  std::optional<OpenFile> file_;    // empty: the next file is opened by the next read
  std::optional<GzipFile> gzip_;    // the content of file_, if it is compressed
  std::vector<std::byte> carried_;  // the incomplete item at the end of the last block
};

}  // namespace fastbatch
