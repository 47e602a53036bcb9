// SPDX-License-Identifier: MIT
// Reads text files one after the other, in blocks that end where a word or a line ends.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "source/open_file.h"
#include "text/block.h"

namespace fastbatch {

struct TextFormat {
  TextItem item = TextItem::kWord;
  TextEncoding encoding = TextEncoding::kUtf8;
  TextErrors errors = TextErrors::kStrict;
  std::size_t block_size = std::size_t{1} << 17;  // bytes to read at once, > 0
};

// A file's last item ends with the file. What is appended to a file before its end is reached is read too, as open()
// does; a file that ends before the size it had is an error.
// Threads: one at a time.
class TextFiles : public TextSource {
 public:
  // From `start` on: there, an item of the file `start.unit` begins, or white space.
  TextFiles(std::shared_ptr<const std::vector<std::string>> paths, TextFormat format, TextPosition start = {});

  bool read(TextBlock& block) override;
  [[nodiscard]] Where where(const TextBlock& block, std::size_t at) const override {
    return {(*paths_)[block.path], {}, block.position_of(at).byte};
  }

 private:
  void open();
  bool fill(TextBlock& block, std::size_t size);  // false: the file has ended
  [[nodiscard]] std::size_t cut_of(const TextBlock& block, std::size_t from) const noexcept;
  [[nodiscard]] std::size_t cut_of_line(std::span<const std::uint8_t> text, std::size_t from) const noexcept;

  std::shared_ptr<const std::vector<std::string>> paths_;
  TextFormat format_;
  std::size_t next_path_;
  std::uint64_t offset_;            // in the open file, of the next byte to read
  std::optional<OpenFile> file_;    // none: the next one is to be opened
  std::vector<std::byte> carried_;  // the beginning of an item, from the end of the last block
};

}  // namespace fastbatch
