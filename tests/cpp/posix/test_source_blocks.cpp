// SPDX-License-Identifier: MIT
// Objects in stores, whose blocks arrive one by one: reads that wait for them, errors, and which are dropped first.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/joined_thread.h"
#include "decode/concat_decoder.h"
#include "decode/joined_decoder.h"
#include "decode/packed_decoder.h"
#include "loader/block_uses.h"
#include "mapped_pages.h"
#include "source/block_space.h"
#include "source/descr.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using namespace testing;

// A block may be dropped while it is read: the kernel replaces its pages at once, and the read is made again. For
// ThreadSanitizer that is a write.
__attribute__((no_sanitize("thread"), noinline)) char first_of(const std::byte* bytes) noexcept {
  return *reinterpret_cast<const volatile char*>(bytes);
}

// A store: blocks of two pages and a rest of ten bytes, each filled with its number. A pager with its pipe.
class Store {
 public:
  explicit Store(std::uint64_t n_blocks, BlockPager::Limits limits = {1000, 1 << 30}) {
    REQUIRE(::pipe(bell_) == 0);
    empty_ = ::open(folder_.write("empty", "").c_str(), O_RDONLY);
    pager_ = std::make_shared<BlockPager>(empty_, bell_[1], limits);
    std::vector<BlockSpace::Block> blocks;
    for (std::uint64_t i = 0; i < n_blocks; ++i) {
      blocks.push_back({2 * i * kPage, i + 1 < n_blocks ? 2 * kPage : 10});
      contents_.emplace_back(static_cast<std::size_t>(blocks.back().size), static_cast<char>('a' + i));
      files_.push_back(::open(folder_.write(std::to_string(i), contents_.back()).c_str(), O_RDONLY));
    }
    space_ = std::make_shared<BlockSpace>(pager_, "s3://bucket/x", blocks, Names{});
    file_ = std::make_unique<MappedFile>(space_);
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    for (const int file : files_) ::close(file);
    ::close(empty_);
    ::close(bell_[0]);
    ::close(bell_[1]);
  }

  void provide(std::uint64_t block) { space_->provide(block, files_[block]); }

  // Answers reads that wait with their blocks, until `stop` is true.
  void serve(const std::atomic<bool>& stop, const std::function<void(std::uint64_t)>& answer) {
    while (!stop) {
      pollfd wait{bell_[0], POLLIN, 0};
      if (::poll(&wait, 1, 5) <= 0) continue;
      char rung[64];
      REQUIRE(::read(bell_[0], rung, sizeof rung) > 0);
      for (const BlockUse& wanted : pager_->take_wanted()) answer(wanted.block);
    }
  }

  // Returns the first byte of a block.
  char read(std::uint64_t block) {
    char found = 0;
    const auto begin = static_cast<std::size_t>(space_->block(block).start);
    read_guarded(*file_, file_->size(), [&]() noexcept { found = first_of(file_->bytes().data() + begin); });
    return found;
  }

  std::set<std::uint64_t> here() {
    std::set<std::uint64_t> found;
    for (std::uint64_t i = 0; i < space_->n_blocks(); ++i) {
      if (space_->is_here(i)) found.insert(i);
    }
    return found;
  }

  BlockSpace& space() { return *space_; }
  std::shared_ptr<BlockPager> pager() { return pager_; }
  MappedFile& file() { return *file_; }
  int shorter() { return files_.back(); }

 private:
  TemporaryFolder folder_;
  int bell_[2] = {-1, -1};
  int empty_ = -1;
  std::vector<int> files_;
  std::vector<std::string> contents_;
  std::shared_ptr<BlockPager> pager_;
  std::shared_ptr<BlockSpace> space_;
  std::unique_ptr<MappedFile> file_;
};

using Blocks = std::set<std::uint64_t>;
using DecoderOf = std::function<std::shared_ptr<const Decoder>(ArrayView)>;  // of the bytes of an object

// Checks that the blocks that are advised for each sample are those that its decode then waits for.
void check_advice(const DecoderOf& make) {
  for (std::uint64_t i = 0, n = 1; i < n; ++i) {
    Store store(5);
    ArrayView bytes = dense_view(parse_descr("|u1", {}), {store.file().size()});
    bytes.file = std::make_shared<MappedFile>(store.space().shared_from_this());
    bytes.data = bytes.file->bytes().data();
    const auto decoder = make(bytes);
    CHECK_FALSE(decoder->is_brief());
    n = decoder->size();
    Blocks advised, read;
    {
      UseCollector collector;
      CHECK(decoder->advise({&i, 1}) == 0);
      for (const BlockUse& use : collector.uses) advised.insert(use.block);
    }
    std::atomic<bool> stop = false;
    JoinedThread server([&] {
      store.serve(stop, [&](std::uint64_t block) {
        read.insert(block);
        store.provide(block);
      });
    });
    std::vector<std::byte> slot(decoder->slot_bytes());
    std::size_t failed_at = 0;
    decoder->decode({&i, 1}, {}, slot.data(), *decoder->workspace(), failed_at);
    stop = true;
    server.join();
    CHECK(advised == read);
  }
}

// `n` rows of a number of bytes, from a place on.
std::shared_ptr<const ArrayDecoder> rows_of(ArrayView bytes, std::uint64_t begin, std::uint64_t n, std::uint64_t row) {
  bytes.data += begin;
  bytes.shape = {n, row};
  bytes.strides = {static_cast<std::ptrdiff_t>(row), 1};
  return std::make_shared<const ArrayDecoder>(bytes, std::nullopt);
}

}  // namespace

TEST_CASE("a read waits for the blocks that it needs, and for no others") {
  Store store(5);
  CHECK(store.file().size() == 8 * kPage + 10);
  std::atomic<bool> stop = false;
  Blocks asked;
  JoinedThread server([&] {
    store.serve(stop, [&](std::uint64_t block) {
      asked.insert(block);
      store.provide(block);
    });
  });
  CHECK(store.read(3) == 'd');
  CHECK(store.read(1) == 'b');
  CHECK(store.read(3) == 'd');
  CHECK(store.read(4) == 'e');
  const auto across = store.file().copy(2 * kPage - 1, 2);
  stop = true;
  server.join();
  CHECK(std::memcmp(across.data(), "ab", 2) == 0);
  CHECK(asked == Blocks{0, 1, 3, 4});
  CHECK(store.here() == asked);
}

TEST_CASE("the error of a block is that of the reads that wait for it, until it is forgotten") {
  Store store(3);
  store.space().fail(1, EACCES, "The store denies access");
  store.provide(0);
  CHECK(store.read(0) == 'a');
  CHECK(error_code([&] { store.read(1); }) == EACCES);
  store.space().fail(1, 0, "object changed while in use");
  CHECK(complaint([&] { store.read(1); }) == "s3://bucket/x: object changed while in use");
  store.space().forget_errors();
  store.provide(1);
  CHECK(store.read(1) == 'b');
  store.space().fail(2, EIO, "The store failed");
  store.provide(2);  // it has come after all
  CHECK(store.read(2) == 'c');
  store.space().fail(77, EIO, "no such block");
}

TEST_CASE("a file that is shorter than its block is refused") {
  Store store(3);
  CHECK(complaint([&] { store.space().provide(0, store.shorter()); }) ==
        "s3://bucket/x: a block ends early: expected " + std::to_string(2 * kPage) + " bytes, found 10");
  CHECK(store.here().empty());
  CHECK_THROWS_AS(store.space().provide(3, store.shorter()), std::out_of_range);
}

TEST_CASE("blocks begin at pages, in ascending order, and have a name each or none") {
  Store store(1);
  const auto make = [&](std::vector<BlockSpace::Block> blocks, const Names& names = {}) {
    return BlockSpace(store.pager(), "x", std::move(blocks), names);
  };
  CHECK_THROWS_AS(make({{1, 5}}), std::invalid_argument);
  CHECK_THROWS_AS(make({{0, kPage + 1}, {kPage, 5}}), std::invalid_argument);
  CHECK_THROWS_AS(make({{kPage, 5}, {0, 5}}), std::invalid_argument);
  Names two;
  two.add("a");
  two.add("b");
  CHECK_THROWS_AS(make({{0, 5}}, two), std::invalid_argument);
  CHECK(make({}).bytes().empty());
}

TEST_CASE("blocks without a foreseen use are dropped first, then those that are used furthest in the future") {
  Store store(8, {3, 1 << 30});
  store.space().foresee(0, 100);
  store.space().foresee(1, 300);
  for (const std::uint64_t block : {0U, 1U, 2U}) store.provide(block);
  CHECK(store.here() == Blocks{0, 1, 2});
  store.space().foresee(3, 200);
  store.provide(3);
  CHECK(store.here() == Blocks{0, 1, 3});
  store.space().foresee(4, 250);
  store.provide(4);
  CHECK(store.here() == Blocks{0, 3, 4});
  store.space().foresee(0, 1000);  // it was used: the next use is far
  store.space().foresee(5, 260);
  store.provide(5);
  CHECK(store.here() == Blocks{3, 4, 5});
  store.space().foresee(6, 5000);  // further than all others: it does not stay itself
  store.provide(6);
  CHECK(store.here() == Blocks{3, 4, 5});
}

TEST_CASE("what is needed now is not dropped, however little may be mapped") {
  Store store(6, {1, 1});
  for (const std::uint64_t block : {0U, 1U, 2U}) {
    store.space().foresee(block, 0);
    store.provide(block);
  }
  CHECK(store.here() == Blocks{0, 1, 2});
  store.space().foresee(1, 7);
  store.provide(3);
  CHECK(store.here() == Blocks{0, 2});
  store.space().foresee(0, 3);
  store.space().foresee(2, 4);
  store.provide(4);
  CHECK(store.here() == Blocks{0});
}

TEST_CASE("without any future the oldest is dropped, within a limit of bytes") {
  Store store(8, {1000, 4 * kPage});
  for (const std::uint64_t block : {5U, 0U, 3U}) store.provide(block);
  CHECK(store.here() == Blocks{0, 3});
  store.provide(7);  // small
  CHECK(store.here() == Blocks{3, 7});
  store.provide(3);  // again: it is new now
  store.provide(1);
  CHECK(store.here() == Blocks{1, 3});
}

TEST_CASE("blocks of a space that is gone count no more") {
  Store store(3, {2, 1 << 30});
  {
    Store other(1);
    const auto gone =
        std::make_shared<BlockSpace>(store.pager(), "y", std::vector<BlockSpace::Block>{{0, 10}}, Names{});
    gone->provide(0, store.shorter());
    CHECK(store.pager()->find(gone->id()) == gone);
  }
  store.provide(0);
  store.provide(1);
  CHECK(store.here() == Blocks{0, 1});
}

TEST_CASE("many threads read while blocks come, fail and are dropped") {
  constexpr std::uint64_t kBlocks = 9;
  Store store(kBlocks, {2, 1 << 30});
  std::atomic<bool> stop = false;
  std::atomic<int> n_wrong = 0;
  std::atomic<int> n_failed = 0;
  std::mt19937 random(1);
  JoinedThread server([&] {
    store.serve(stop, [&](std::uint64_t block) {
      store.space().foresee(block, random() % 100);
      if (random() % 20 == 0) {
        store.space().fail(block, EIO, "The store failed");
      } else {
        store.provide(block);
      }
    });
  });
  JoinedThread forgetter([&] {
    while (!stop) {
      store.space().forget_errors();
      std::this_thread::yield();
    }
  });
  {
    std::vector<JoinedThread> readers;
    for (unsigned i = 0; i < 4; ++i) {
      readers.emplace_back([&, i] {
        std::mt19937 mine(i);
        for (int k = 0; k < 300; ++k) {
          const std::uint64_t block = mine() % kBlocks;
          try {
            if (store.read(block) != static_cast<char>('a' + block)) ++n_wrong;
          } catch (const FileError&) {
            ++n_failed;
          }
        }
      });
    }
  }
  stop = true;
  CHECK(n_wrong == 0);
  CHECK(n_failed < 1200);
}

TEST_CASE("what is advised of rows, joined rows and packs is what their decode reads") {
  check_advice([](const ArrayView& bytes) { return rows_of(bytes, 5, 7, kPage); });
  check_advice([](const ArrayView& bytes) { return rows_of(bytes, 2 * kPage - 1, 3, 2 * kPage + 1); });
  check_advice([](const ArrayView& bytes) {
    const ConcatDecoder::Parts parts{rows_of(bytes, 0, 4, 100), rows_of(bytes, 4 * kPage, 4, kPage)};
    return std::make_shared<const ConcatDecoder>(parts, 1);
  });
  check_advice([](const ArrayView& bytes) {
    const std::vector<std::shared_ptr<const Decoder>> parts{rows_of(bytes, 0, 2, kPage),
                                                            rows_of(bytes, 6 * kPage, 2, kPage)};
    return std::make_shared<const JoinedDecoder>(parts);
  });
  const auto page = static_cast<std::uint32_t>(kPage);
  const std::vector<std::uint64_t> starts{0, 2 * kPage, 4 * kPage - 1, 8 * kPage + 9}, ends{1, 3, 4};
  const std::vector<std::uint32_t> lengths{page, 1, 2, 1};
  check_advice([&](const ArrayView& bytes) {
    const PackedPieces pieces{starts, lengths, ends, page};
    return std::make_shared<const PackedTokens>(bytes, std::nullopt, pieces, 0, std::vector<std::byte>(1));
  });
}

TEST_CASE("the uses of blocks by batches: each once, with the last of the batches that use it one after another") {
  Store store(5);
  ArrayView bytes = dense_view(parse_descr("|u1", {}), {store.file().size()});
  bytes.file = std::make_shared<MappedFile>(store.space().shared_from_this());
  bytes.data = bytes.file->bytes().data();
  const auto rows = rows_of(bytes, 0, 8, kPage);  // two in a block
  using Use = std::array<std::uint64_t, 3>;       // the batch, the block, the last batch
  const auto uses = [&](const Order& order, std::uint64_t batch_size, std::uint64_t first, std::uint64_t count) {
    std::vector<Use> found;
    const BatchPlan plan(order.size(), 0, {}, batch_size, false);
    for (const BatchUse& one : block_uses({rows, rows}, order, plan, first, count)) {
      CHECK(one.use.space == store.space().id());
      found.push_back({one.batch, one.use.block, one.last});
    }
    return found;
  };
  const Order in_order(8, {}, {}, 0, 0);
  CHECK(uses(in_order, 3, 0, 9) == std::vector<Use>{{0, 0, 0}, {0, 1, 1}, {1, 2, 1}, {2, 3, 2}});
  CHECK(uses(in_order, 3, 1, 1) == std::vector<Use>{{1, 1, 1}, {1, 2, 1}});
  CHECK(uses(in_order, 3, 3, 1).empty());
  CHECK(uses(in_order, 3, 9, 9).empty());
  CHECK(uses(in_order, 1, 4, 3) == std::vector<Use>{{4, 2, 5}, {6, 3, 6}});
  const auto list = std::make_shared<const IndexList>(std::vector<std::uint64_t>{0, 1, 2, 0, 0});
  const std::vector<Subset> listed{{.n = 8, .count = 5, .listed = list}};
  CHECK(uses(Order(8, listed, {}, 0, 0), 1, 0, 9) == std::vector<Use>{{0, 0, 1}, {2, 1, 2}, {3, 0, 4}});
}

}  // namespace fastbatch
