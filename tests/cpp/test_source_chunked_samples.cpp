// SPDX-License-Identifier: MIT
// Encoded samples in chunks: their bytes, names, sizes that lie, and what is loaded ahead.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/chunk_cache.h"
#include "source/chunked_samples.h"

namespace fastbatch {
namespace {

template <typename Element>
ArrayView view_of(std::vector<Element> elements, const char* descr) {
  const auto owner = std::make_shared<std::vector<Element>>(std::move(elements));
  ArrayView view = dense_view(parse_descr(descr, {}), {owner->size()});
  view.data = reinterpret_cast<const std::byte*>(owner->data());
  view.owner = owner;
  return view;
}

// Two chunks of 3 and 2 samples, "0", "11", "222", "" and "4444", with the bounds that a test gives for the second.
class Texts : public ChunkSource {
 public:
  explicit Texts(std::vector<std::uint64_t> bounds = {0, 0, 0, 4}) : bounds_(std::move(bounds)) {}

  [[nodiscard]] Chunk load(std::uint64_t k) const override {
    ++n_loaded;
    const std::string text = k == 0 ? "011222" : "4444";
    return {{view_of<std::uint64_t>(k == 0 ? std::vector<std::uint64_t>{0, 1, 1, 3, 3, 6} : bounds_, "<u8"),
             view_of<std::uint8_t>({text.begin(), text.end()}, "|u1")},
            100};
  }
  mutable std::atomic<int> n_loaded = 0;

 private:
  std::vector<std::uint64_t> bounds_;
};

ChunkedSamples samples_of(const std::shared_ptr<Texts>& source, std::size_t most_bytes = 1000) {
  auto cache = std::make_shared<ChunkCache>(source, std::vector<std::uint64_t>{3, 5}, most_bytes);
  return {std::move(cache), 0, {"a.parquet", "b.parquet"}, {7, 0}};
}

std::string read(const ChunkedSamples& samples, std::uint64_t i) {
  ReadBuffer buffer;
  const auto bytes = samples.read(i, buffer);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("samples in chunks") {
  const auto source = std::make_shared<Texts>();
  const ChunkedSamples samples = samples_of(source);
  CHECK(samples.size() == 5);
  const std::vector<std::string> expected{"0", "11", "222", "", "4444"};
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(read(samples, i) == expected[i]);
  CHECK(source->n_loaded == 2);
  CHECK(samples.name(0) == "a.parquet: row 7");
  CHECK(samples.name(2) == "a.parquet: row 9");
  CHECK(samples.name(4) == "b.parquet: row 1");
  CHECK(samples.where(4).sample == 4);
}

TEST_CASE("a sample outlives its chunk") {
  const auto source = std::make_shared<Texts>();
  const ChunkedSamples samples = samples_of(source, 0);
  ReadBuffer buffer;
  const auto bytes = samples.read(2, buffer);
  CHECK(read(samples, 4) == "4444");  // the first chunk goes
  CHECK(std::to_integer<char>(bytes[0]) == '2');
  CHECK(source->n_loaded == 2);
}

TEST_CASE("bounds that lie are errors") {
  const std::vector<std::vector<std::uint64_t>> wrong{
      {0, 0, 0, 5}, {0, 0, 3, 2}, {0, 0}, {0, 0, 0, 4, 4}, {9, 9, 9, 9}};
  for (const auto& bounds : wrong) {
    const ChunkedSamples samples = samples_of(std::make_shared<Texts>(bounds));
    CHECK_THROWS_AS(static_cast<void>(read(samples, 4)), DecodeError);
  }
  auto cache = std::make_shared<ChunkCache>(std::make_shared<Texts>(), std::vector<std::uint64_t>{3, 5}, 1000);
  CHECK_THROWS_AS(static_cast<void>(read({cache, 1, {"a", "b"}, {0, 0}}, 0)), DecodeError);
  CHECK_THROWS_AS(static_cast<void>(read({cache, 2, {"a", "b"}, {0, 0}}, 0)), DecodeError);
  CHECK_THROWS_AS(ChunkedSamples(cache, 0, {"a"}, {0, 0}), std::invalid_argument);
  CHECK_THROWS_AS(ChunkedSamples(cache, 0, {"a", "b"}, {0}), std::invalid_argument);
}

TEST_CASE("one chunk is loaded ahead") {
  const auto source = std::make_shared<Texts>();
  const ChunkedSamples samples = samples_of(source);
  const std::vector<std::uint64_t> indices{0, 1, 3, 4};
  CHECK(samples.advise(indices) == 100);
  CHECK(source->n_loaded == 1);
  CHECK(samples.advise(indices) == 100);
  CHECK(samples.advise(indices) == 0);
  CHECK(source->n_loaded == 2);
}

}  // namespace fastbatch
