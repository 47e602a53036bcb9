// SPDX-License-Identifier: MIT
// A block of text on its way from the files to the batches, with its position in the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"

namespace fastbatch {

// A position in a text. `unit`: number of the file; for shuffled lines, position of the line in the order.
struct TextPosition {
  std::uint64_t unit = 0;
  std::uint64_t byte = 0;  // byte offset in the file or in the line
};

// The bytes of a block from `at` to the next segment start at `position` of the source. `at` ascends.
struct TextSegment {
  std::size_t at = 0;
  TextPosition position{};
};

enum class TextEncoding : std::uint8_t { kUtf8, kUtf8Sig, kAscii, kLatin1 };
// The handling of invalid bytes: Python's error handlers of these names.
enum class TextErrors : std::uint8_t { kStrict, kIgnore, kReplace, kSurrogateEscape, kBackslashReplace };
enum class TextItem : std::uint8_t { kWord, kLine };

// A byte buffer that grows without initialisation; kPadding bytes after its end may be read.
class TextBuffer {
 public:
  static constexpr std::size_t kPadding = 64;

  [[nodiscard]] std::byte* data() noexcept { return memory_.get(); }
  [[nodiscard]] const std::byte* data() const noexcept { return memory_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data(), size_}; }

  void resize(std::size_t size) noexcept { size_ = size; }  // at most capacity()
  void reserve(std::size_t capacity);                       // keeps the content
  void append(const void* src, std::size_t size);

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Threads: one at a time; a finished block is immutable.
struct TextBlock {
  // Offsets within a block have 32 bits, so no word or line may be longer than this.
  static constexpr std::size_t kMaxSize = std::numeric_limits<std::uint32_t>::max() - 256;

  TextBuffer text;                    // whole words or whole lines; UTF-8 after decoding
  std::vector<TextSegment> segments;  // at least one
  std::size_t path = 0;               // number of the file, for errors; undefined for shuffled lines
  bool is_end_of_file = true;         // the text ends at the end of its file or line
  std::exception_ptr error;           // error after the last item, or null

  // Set by text/items.h: begin and end of each item, interleaved.
  std::unique_ptr<std::uint32_t[]> spans;
  std::size_t spans_room = 0;
  std::size_t n_items = 0;
  bool is_ascii = true;
  std::vector<std::uint32_t> ids;   // id of each item by a vocabulary or by text/recent_words.h; else empty
  TextBuffer packed;                // set by pack_items(): the items without separators; else empty
  std::vector<std::uint32_t> ends;  // end of each item in `packed`
  std::size_t lane = 0;             // index of the RecentWords that set the ids
  std::uint64_t generation = 0;     // generation of those ids

  void clear() noexcept;  // keeps the memory; ids and ends are overwritten later
  [[nodiscard]] TextPosition position_of(std::size_t at) const noexcept;  // position of a byte of `text`, or of its end
};

// A source of blocks. Threads: one at a time.
class TextSource {
 public:
  virtual ~TextSource() = default;
  // Fills a cleared block. Returns false at the end of all text. Throws FileError, FormatError.
  virtual bool read(TextBlock& block) = 0;
  // The location of a byte of a block's text, for errors. Any thread.
  [[nodiscard]] virtual Where where(const TextBlock& block, std::size_t at) const = 0;
};

}  // namespace fastbatch
