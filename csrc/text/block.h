// SPDX-License-Identifier: MIT
// A block of text between the files and the batches, with its position in the files.
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

// A position in a text: `unit` is the file's number, or, of shuffled lines, the line's place in the order.
struct TextPosition {
  std::uint64_t unit = 0;
  std::uint64_t byte = 0;  // in the file, or in the line
};

// Bytes from `at` on, up to the next segment, come from `position` on. `at` ascends.
struct TextSegment {
  std::size_t at = 0;
  TextPosition position{};
};

enum class TextEncoding : std::uint8_t { kUtf8, kUtf8Sig, kAscii, kLatin1 };
// The treatment of invalid bytes: Python's error handlers of these names.
enum class TextErrors : std::uint8_t { kStrict, kIgnore, kReplace, kSurrogateEscape, kBackslashReplace };
enum class TextItem : std::uint8_t { kWord, kLine };

// Bytes that grow without being written first, and are followed by kPadding bytes that may be read.
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

// Threads: one at a time; a finished block is not changed any more.
struct TextBlock {
  // Offsets inside a block have 32 bits: no word and no line may be longer than this.
  static constexpr std::size_t kMaxSize = std::numeric_limits<std::uint32_t>::max() - 256;

  TextBuffer text;                    // whole words, or whole lines; in UTF-8 once it is decoded
  std::vector<TextSegment> segments;  // at least one
  std::size_t path = 0;               // number of the file that it is from, for errors; of shuffled lines, any
  bool is_end_of_file = true;         // the text's last byte is the last one of its file, or line
  std::exception_ptr error;           // what went wrong after the last item

  // Filled by text/items.h: begin and end of each item, one after the other.
  std::unique_ptr<std::uint32_t[]> spans;
  std::size_t spans_room = 0;
  std::size_t n_items = 0;
  bool is_ascii = true;
  std::vector<std::uint32_t> ids;   // of each item: by a vocabulary, or by text/recent_words.h; else empty
  TextBuffer packed;                // pack_items(): the items with nothing between them,
  std::vector<std::uint32_t> ends;  // and where each ends there; else empty
  std::size_t lane = 0;             // which of several RecentWords it was,
  std::uint64_t generation = 0;     // and the generation of its ids

  void clear() noexcept;  // keeps the memory, and ids and ends to be written over
  [[nodiscard]] TextPosition position_of(std::size_t at) const noexcept;  // of a byte of `text`, or of its end
};

// Where blocks come from. Threads: one at a time.
class TextSource {
 public:
  virtual ~TextSource() = default;
  // Fills a cleared block. Returns false at the end of all text. Throws FileError, FormatError.
  virtual bool read(TextBlock& block) = 0;
  // The place of a byte of a block's text, for errors. Any thread.
  [[nodiscard]] virtual Where where(const TextBlock& block, std::size_t at) const = 0;
};

}  // namespace fastbatch
