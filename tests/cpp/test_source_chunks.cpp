// SPDX-License-Identifier: MIT
// The cache of chunks, and rows that are decoded from them: what is kept, who loads, errors, threads.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "decode/chunked_decoder.h"
#include "decode/index_decoder.h"
#include "flag.h"
#include "source/chunk_cache.h"

namespace fastbatch {
namespace {

// Chunk k has rows [10 k, 10 k + 10) of int32, each its own number; `broken` cannot be decoded, `lost` is not there.
class NumberChunks : public ChunkSource {
 public:
  explicit NumberChunks(std::uint64_t broken = 99, std::uint64_t lost = 99) : broken_(broken), lost_(lost) {}

  [[nodiscard]] Chunk load(std::uint64_t k) const override {
    ++n_loaded;
    if (k == broken_) throw DecodeError({"numbers"}, "broken");
    if (k == lost_) throw FileError({"numbers"}, 5);
    const auto numbers = std::make_shared<std::vector<std::int32_t>>();
    for (std::int32_t i = 0; i < 10; ++i) numbers->push_back(static_cast<std::int32_t>(k) * 10 + i);
    ArrayView view = dense_view(parse_descr("<i4", {}), {10});
    view.data = reinterpret_cast<const std::byte*>(numbers->data());
    view.owner = numbers;
    return {{view}, 40};
  }
  mutable std::atomic<int> n_loaded = 0;

 private:
  std::uint64_t broken_, lost_;
};

std::shared_ptr<ChunkCache> cache_of(const std::shared_ptr<NumberChunks>& source, std::size_t most_bytes) {
  return std::make_shared<ChunkCache>(source, std::vector<std::uint64_t>{10, 20, 30, 40, 50}, most_bytes);
}

ChunkedDecoder numbers_of(std::shared_ptr<ChunkCache> cache, std::optional<kernels::Conversion> conversion = {}) {
  return {std::move(cache), 0, dense_view(parse_descr("<i4", {}), {0}), std::move(conversion)};
}

template <typename Number>
std::vector<Number> decoded(const Decoder& decoder, const std::vector<std::uint64_t>& indices) {
  std::vector<Number> out(indices.size());
  std::size_t failed_at = 0;
  decoder.decode(indices, {}, reinterpret_cast<std::byte*>(out.data()), *decoder.workspace(), failed_at);
  return out;
}

}  // namespace

TEST_CASE("the chunks that were used last are kept") {
  const auto source = std::make_shared<NumberChunks>();
  const auto cache = cache_of(source, 80);
  for (const std::uint64_t k : {0U, 1U, 0U, 1U}) CHECK(cache->get(k)->bytes == 40);
  CHECK(source->n_loaded == 2);
  static_cast<void>(cache->get(2));  // 0 goes
  static_cast<void>(cache->get(1));
  CHECK(source->n_loaded == 3);
  static_cast<void>(cache->get(0));
  CHECK(source->n_loaded == 4);
  const auto none = cache_of(source, 0);  // one chunk is kept in any case
  static_cast<void>(none->get(3));
  static_cast<void>(none->get(3));
  CHECK(source->n_loaded == 5);
  CHECK_THROWS_AS(ChunkCache(source, {10, 5}, 0), std::invalid_argument);
}

TEST_CASE("chunks are loaded ahead into half of the memory") {
  const auto source = std::make_shared<NumberChunks>();
  const auto cache = cache_of(source, 160);
  CHECK(cache->load_ahead(0) == 40);
  CHECK(cache->load_ahead(0) == 0);
  CHECK(cache->load_ahead(1) == 40);
  CHECK(cache->load_ahead(2) == 0);  // 80 bytes that nobody has used yet
  static_cast<void>(cache->get(0));
  CHECK(cache->load_ahead(2) == 40);
  CHECK(source->n_loaded == 3);
}

TEST_CASE("an error of the data is kept, an error of the system is not") {
  const auto source = std::make_shared<NumberChunks>(1, 2);
  const auto cache = cache_of(source, 1000);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(static_cast<void>(cache->get(1)), DecodeError);
  CHECK(source->n_loaded == 1);
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(static_cast<void>(cache->get(2)), FileError);
  CHECK(source->n_loaded == 3);
}

TEST_CASE("a chunk that several threads want is loaded once") {
  const auto source = std::make_shared<NumberChunks>();
  const auto cache = cache_of(source, 1000);
  Flag start;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      start.wait();
      for (int turn = 0; turn < 50; ++turn) {
        for (std::uint64_t k = 0; k < 5; ++k) {
          const ChunkCache::Held chunk = turn % 2 == 0 ? cache->get(k) : cache->get_unless_busy(k);
          if (chunk && chunk->bytes != 40) std::abort();
        }
      }
    });
  }
  start.set();
  for (std::thread& thread : threads) thread.join();
  CHECK(source->n_loaded == 5);
}

TEST_CASE("rows in any order, copied and converted") {
  const auto source = std::make_shared<NumberChunks>();
  const auto cache = cache_of(source, 1000);
  const std::vector<std::uint64_t> wanted{41, 3, 12, 13, 14, 0, 49, 12};
  CHECK(decoded<std::int32_t>(numbers_of(cache), wanted) == std::vector<std::int32_t>{41, 3, 12, 13, 14, 0, 49, 12});
  const kernels::Conversion to_double{.dst = DType::kF64, .channels = 1, .scale = {0.5}, .shift = {1.0}};
  CHECK(decoded<double>(numbers_of(cache, to_double), wanted) == std::vector<double>{21.5, 2.5, 7, 7.5, 8, 1, 25.5, 7});
  CHECK(decoded<double>(numbers_of(cache, to_double), {30, 31, 32}) == std::vector<double>{16, 16.5, 17});
  CHECK(decoded<std::int32_t>(numbers_of(cache), {}).empty());
  CHECK(numbers_of(cache).size() == 50);
}

TEST_CASE("the first failing row in order is reported, and other caches are told apart") {
  const auto good = cache_of(std::make_shared<NumberChunks>(), 1000);
  const auto broken = cache_of(std::make_shared<NumberChunks>(1), 1000);
  const std::vector<std::uint64_t> wanted{40, 15, 3, 11};
  CHECK(decoded<std::int32_t>(numbers_of(good), wanted).front() == 40);
  const ChunkedDecoder decoder = numbers_of(broken);
  std::vector<std::int32_t> out(4);
  std::size_t failed_at = 0;
  const auto decode = [&] {
    decoder.decode(wanted, {}, reinterpret_cast<std::byte*>(out.data()), *decoder.workspace(), failed_at);
  };
  CHECK_THROWS_AS(decode(), DecodeError);
  CHECK(failed_at == 1);
  CHECK((out[0] == 40 && out[2] == 3));
}

TEST_CASE("advice loads one chunk, and rows of another type are an error") {
  const auto source = std::make_shared<NumberChunks>();
  const auto cache = cache_of(source, 1000);
  const std::vector<std::uint64_t> wanted{5, 25, 45};
  CHECK(numbers_of(cache).advise(wanted) == 40);
  CHECK(source->n_loaded == 1);
  const ChunkedDecoder other(cache, 0, dense_view(parse_descr("<i8", {}), {0}), {});
  CHECK_THROWS_WITH_AS(decoded<std::int64_t>(other, {1}), "chunk 0: expected 10 rows of type <i8, found others",
                       DecodeError);
}

TEST_CASE("an index is its number") {
  CHECK(decoded<std::int64_t>(IndexDecoder(10), {7, 0, 9}) == std::vector<std::int64_t>{7, 0, 9});
  CHECK(IndexDecoder(10).size() == 10);
}

}  // namespace fastbatch
