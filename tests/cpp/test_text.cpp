// SPDX-License-Identifier: MIT
// Words and lines in the core: every target finds the same, blocks of every size give the same items.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/scan.h"
#include "kernels_on_all_targets.h"
#include "temporary_folder.h"
#include "text/files.h"
#include "text/items.h"
#include "text/recent_words.h"
#include "text/run.h"
#include "text/vocabulary.h"

using namespace fastbatch;
using fastbatch::kernels::testing::on_all_targets;

namespace {

using Numbers = std::vector<std::uint32_t>;

Numbers words_of(const std::string& text) {
  Numbers edges(kernels::scan_room(text.size()));
  edges.resize(kernels::find_words(std::as_bytes(std::span(text)), edges.data()).n);
  return edges;
}

// A file that is deleted again.
class TextFile {
 public:
  explicit TextFile(const std::string& content) : path_(folder_.write("text", content)) {}
  [[nodiscard]] auto paths() const { return std::make_shared<const std::vector<std::string>>(1, path_); }

 private:
  testing::TemporaryFolder folder_;
  std::string path_;
};

std::vector<std::string> items_of(const TextFile& file, const TextFormat& format) {
  TextFiles source(file.paths(), format);
  std::vector<std::string> items;
  for (TextBlock block; block.clear(), source.read(block);) {
    find_items(block, format, source);
    for (std::size_t i = 0; i < block.n_items; ++i) {
      const char* text = reinterpret_cast<const char*>(block.text.data());
      items.emplace_back(text + block.spans[2 * i], text + block.spans[2 * i + 1]);
    }
    if (block.error) std::rethrow_exception(block.error);
  }
  return items;
}

}  // namespace

TEST_CASE("all targets find the same words at every place") {
  const std::string space = "\xE2\x80\x83";  // U+2003
  on_all_targets([&] {
    CHECK(words_of("").empty());
    CHECK(words_of(" \t\n").empty());
    for (std::size_t before = 0; before < 200; ++before) {
      const auto at = static_cast<std::uint32_t>(before);
      const std::string padding(before, ' ');
      CHECK(words_of(padding + "ab") == Numbers{at, at + 2});
      CHECK(words_of(padding + "a\x1C"
                               "b ") == Numbers{at, at + 1, at + 2, at + 3});
      CHECK(words_of(padding + space + "b" + space + "\xE2\x80") == Numbers{at + 3, at + 4, at + 7, at + 9});
      CHECK(words_of(padding + "a\xC2\x85"
                               "b\xC2") == Numbers{at, at + 1, at + 3, at + 5});
    }
  });
}

TEST_CASE("all targets agree on noise") {
  const auto bytes = kernels::testing::noise(5000);
  std::string text;
  const std::string alphabet =
      std::string("ab \n\x1C\x1F\x0E\xC2\x85\xA0\xE1\x9A\x80\xE2\x80\x8A\x8B\xA8\xAF\x81\x9F\xE3", 22);
  for (const std::byte byte : bytes) text += alphabet[static_cast<std::size_t>(byte) % alphabet.size()];
  kernels::narrow_targets("scalar");
  const Numbers expected = words_of(text);
  on_all_targets([&] {
    CHECK(words_of(text) == expected);
    for (std::size_t size = 0; size < 140; ++size) {
      kernels::testing::Arena arena(size, {reinterpret_cast<const std::byte*>(text.data()),
                                           reinterpret_cast<const std::byte*>(text.data()) + size});
      Numbers edges(kernels::scan_room(size));
      const auto scan = kernels::find_words({arena.data(), size}, edges.data());  // reads no byte too many
      edges.resize(scan.n);
      CHECK(edges == words_of(text.substr(0, size)));
    }
  });
}

TEST_CASE("blocks of every size give the same items") {
  const TextFile file("one \xC3\xA9\xC3\xA9 t\xE3\x80\x80h\r\nfour\r\r\nlong-long-long\nend");
  for (std::size_t size = 1; size < 50; ++size) {
    CHECK(items_of(file, {TextItem::kWord, TextEncoding::kUtf8, TextErrors::kStrict, size}) ==
          std::vector<std::string>{"one", "\xC3\xA9\xC3\xA9", "t", "h", "four", "long-long-long", "end"});
    CHECK(items_of(file, {TextItem::kLine, TextEncoding::kUtf8, TextErrors::kStrict, size}) ==
          std::vector<std::string>{"one \xC3\xA9\xC3\xA9 t\xE3\x80\x80h\n", "four\n", "\n", "long-long-long\n", "end"});
  }
}

TEST_CASE("packed items are the items with nothing between them") {
  const TextFile file("one  two\na-word-of-more-than-sixteen-bytes\n\n t\xC3\xA9 end");
  for (const bool chop : {false, true}) {
    for (const TextItem item : {TextItem::kWord, TextItem::kLine}) {
      const TextFormat format{item, TextEncoding::kUtf8, TextErrors::kStrict, 1000};
      TextFiles source(file.paths(), format);
      TextBlock block;
      REQUIRE(source.read(block));
      find_items(block, format, source);
      pack_items(block, chop);
      REQUIRE(block.ends.size() == block.n_items);
      std::vector<std::string> items = items_of(file, format);
      std::string packed;
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (chop && items[i].ends_with('\n')) items[i].pop_back();
        packed += items[i];
        CHECK(block.ends[i] == packed.size());
      }
      CHECK(std::string(reinterpret_cast<const char*>(block.packed.data()), block.packed.size()) == packed);
    }
  }
}

TEST_CASE("what is no text is an error with its place, or what the handler makes of it") {
  const TextFile file(
      "ab \xFF"
      "c d");
  const auto with = [&](TextErrors errors) {
    return items_of(file, {TextItem::kWord, TextEncoding::kUtf8, errors, 2});
  };
  CHECK_THROWS_WITH_AS(with(TextErrors::kStrict), doctest::Contains("byte 3: not utf-8 text: invalid start byte: 0xff"),
                       EncodingError);
  CHECK(with(TextErrors::kIgnore) == std::vector<std::string>{"ab", "c", "d"});
  CHECK(with(TextErrors::kReplace) == std::vector<std::string>{"ab",
                                                               "\xEF\xBF\xBD"
                                                               "c",
                                                               "d"});
  CHECK(with(TextErrors::kBackslashReplace) == std::vector<std::string>{"ab", "\\xffc", "d"});
  CHECK(with(TextErrors::kSurrogateEscape) == std::vector<std::string>{"ab",
                                                                       "\xED\xB3\xBF"
                                                                       "c",
                                                                       "d"});
}

TEST_CASE("a run hands out whole batches in order, and what went wrong after them") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + (i % 7 == 0 ? "\n" : " ");
  const TextFile file(text + "\xFF");
  const TextFormat format{TextItem::kWord, TextEncoding::kUtf8, TextErrors::kStrict, 64};
  for (unsigned threads = 1; threads <= 3; ++threads) {
    TextRun run(std::make_unique<TextFiles>(file.paths(), format),
                {.format = format, .batch_size = 7, .threads = threads});
    std::size_t n = 0;
    const auto next = [&](TextBatch& batch) {
      TextRun::Status status{};
      do {
        status = run.next(std::chrono::milliseconds(10), batch);
      } while (status == TextRun::Status::kTimeout);
      return status;
    };
    TextBatch batch;
    for (std::uint64_t number = 0; number < 1000 / 7; ++number) {
      REQUIRE(next(batch) == TextRun::Status::kBatch);
      CHECK(batch.number == number);
      CHECK(batch.n_items == 7);
      n += 7;
      CHECK(batch.items_after == n);
    }
    CHECK_THROWS_AS(next(batch), EncodingError);
    CHECK(next(batch) == TextRun::Status::kEnd);
    run.close();
    CHECK_THROWS_AS(next(batch), ClosedError);
  }
}

TEST_CASE("a run ends after as many batches as were asked for") {
  const TextFile file("a b c d e f g");
  for (std::uint64_t most = 0; most < 6; ++most) {
    TextRun run(std::make_unique<TextFiles>(file.paths(), TextFormat{}), {.batch_size = 2, .most_batches = most});
    TextBatch batch;
    std::uint64_t n = 0;
    for (TextRun::Status status{}; status != TextRun::Status::kEnd;) {
      status = run.next(std::chrono::milliseconds(10), batch);
      n += status == TextRun::Status::kBatch ? 1 : 0;
    }
    CHECK(n == std::min<std::uint64_t>(most, 4));
  }
}

TEST_CASE("a table numbers words as they come") {
  WordTable table;
  for (std::uint32_t i = 0; i < 5000; ++i) CHECK(table.add(std::string(i % 40, 'x') + std::to_string(i)) == i);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const std::string word = std::string(i % 40, 'x') + std::to_string(i);
    CHECK(table.find(word) == i);
    CHECK(table[i] == word);
  }
  CHECK(table.find("nothing") == WordTable::kNone);
  CHECK_THROWS_AS(Vocabulary(std::vector<std::string_view>{"a", "b", "a"}), std::invalid_argument);
}

TEST_CASE("a block's ids are those of its words") {
  // Words of all sizes around those that a slot holds, that differ in one byte, or in zeros at their end.
  std::vector<std::string> words;
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      words.emplace_back(size, 'x');
      words.back()[at] = 'y';
      words.emplace_back(size, 'x');
      words.back()[at] = '\0';
    }
    words.emplace_back(size, '\0');
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::vector<std::string_view> known;
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i % 3 != 0) known.emplace_back(words[i]);
    text += words[i] + " ";
  }
  const Vocabulary vocabulary(known);
  const TextFile file(text);
  TextFiles source(file.paths(), {});
  TextBlock block;
  REQUIRE(source.read(block));
  find_items(block, {}, source);
  REQUIRE(block.n_items == words.size());
  Numbers ids(block.n_items);
  vocabulary.ids(block, ids);
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < words.size(); ++i) CHECK(ids[i] == (i % 3 != 0 ? next++ : vocabulary.unknown()));

  WordTable table;
  std::vector<std::uint64_t> counts;
  table.count(block, counts);
  table.count(block, counts);
  CHECK(counts == std::vector<std::uint64_t>(words.size(), 2));
  for (std::uint32_t i = 0; i < words.size(); ++i) CHECK(table[i] == words[i]);
}

TEST_CASE("equal numbers of recent words are equal words") {
  TextBlock block;
  std::uint64_t generation = 0;
  std::vector<std::string> known;
  RecentWords recent;
  const auto number = [&](std::size_t n, std::size_t first, std::size_t different) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = first + i % different;
      text += std::to_string(k) + std::string(k % 20, 'x') + " ";
    }
    block.clear();
    block.text.reserve(text.size());
    block.text.append(text.data(), text.size());
    const TextFile file(text);
    find_items(block, {}, TextFiles(file.paths(), {}));
    recent.number(block);
    if (block.ids.empty()) return std::size_t{0};
    REQUIRE(block.ids.size() == block.n_items);
    if (block.generation != generation) known.assign(RecentWords::kMost, {});
    generation = block.generation;
    std::size_t n_known = 0;
    for (std::size_t i = 0; i < block.n_items; ++i) {
      if (block.ids[i] == WordTable::kNone) continue;
      REQUIRE(block.ids[i] < RecentWords::kMost);
      const char* begin = reinterpret_cast<const char*>(block.text.data());
      const std::string word(begin + block.spans[2 * i], begin + block.spans[2 * i + 1]);
      std::string& seen = known[block.ids[i]];
      if (!seen.empty()) {
        CHECK(seen == word);
        ++n_known;
      }
      seen = word;
    }
    return n_known;
  };
  CHECK(number(1000, 0, 100) > 800);
  CHECK(number(1000, 0, 100) == 1000);
  CHECK(generation == 1);
  number(200'000, 1000, 200'000);  // words that are always new: they are left alone for a while
  CHECK(number(1000, 0, 100) == 0);
  number(200'000, 1000, 200'000);
  CHECK(number(1000, 0, 100) > 800);  // and what is known then begins afresh
  CHECK(generation == 2);
}
