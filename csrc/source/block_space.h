// SPDX-License-Identifier: MIT
// Objects in a store, read as if they were mapped files: address space of an object's length, in which files with its
// blocks are mapped when they have come. A read of a missing block loses a page (`platform/guard.h`); read_guarded()
// then waits here and reads again. So nothing is ever read that is not there, and blocks may be dropped at any time.
// Who fetches the blocks: `src/fastbatch/native/stores.py`.
#pragma once

#include <compare>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/file.h"
#include "source/names.h"

namespace fastbatch {

struct BlockUse {
  std::uint64_t space = 0;  // BlockSpace::id()
  std::uint64_t block = 0;
};

class BlockSpace;

// What is wanted of all spaces of a process, and how much of them is mapped. When it is too much, blocks of which no
// use is foreseen are dropped first, the oldest of them first; then those whose next use is furthest. Threads: any.
class BlockPager {
 public:
  struct Limits {
    std::size_t blocks = 0;   // mapped at once; those that are needed now come on top
    std::uint64_t bytes = 0;  // the same
  };

  // A byte is written to `bell`, a pipe, when blocks are wanted. The caller keeps both files open.
  BlockPager(FileHandle empty, FileHandle bell, Limits limits) : empty_(empty), bell_(bell), limits_(limits) {}

  [[nodiscard]] std::vector<BlockUse> take_wanted();                    // since the last call, by reads that wait
  [[nodiscard]] std::shared_ptr<BlockSpace> find(std::uint64_t space);  // null if it is gone

 private:
  friend class BlockSpace;
  struct Rank {  // of a mapped block; the least one is dropped first
    bool is_foreseen = false;
    std::uint64_t order = 0;  // when it came; or how close its next use is
    std::uint64_t space = 0;
    std::uint64_t block = 0;
    auto operator<=>(const Rank&) const = default;
  };
  void drop_least();  // with the mutex held, as what follows
  void forget(const Rank& rank);

  const FileHandle empty_;
  const FileHandle bell_;
  const Limits limits_;
  std::mutex mutex_;                 // guards everything below, and all spaces
  std::condition_variable settled_;  // a block has come, or has failed
  std::vector<BlockUse> wanted_;
  std::set<Rank> mapped_;
  std::uint64_t mapped_bytes_ = 0;
  std::uint64_t n_came_ = 0;
  std::unordered_map<std::uint64_t, BlockSpace*> spaces_;
};

// Threads: any. Fork: the child can read the blocks that are mapped, and gets errors for all others.
class BlockSpace : public std::enable_shared_from_this<BlockSpace> {
 public:
  struct Block {
    std::uint64_t start = 0;  // a multiple of the size of a page, ascending
    std::uint64_t size = 0;
  };

  // Object `name`, of `size` bytes, whose blocks are named by `block_names` if they are objects of their own.
  // Throws std::invalid_argument if blocks overlap or begin within a page, FileError if there is no address space.
  BlockSpace(std::shared_ptr<BlockPager> pager, std::string name, std::vector<Block> blocks, Names block_names);
  ~BlockSpace();
  BlockSpace(const BlockSpace&) = delete;
  BlockSpace& operator=(const BlockSpace&) = delete;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t n_blocks() const noexcept { return blocks_.size(); }
  [[nodiscard]] const Block& block(std::uint64_t i) const noexcept { return blocks_[i]; }
  [[nodiscard]] bool is_here(std::uint64_t block) const;

  // Maps a file with the bytes of a block. Throws FormatError if it is shorter, FileError.
  void provide(std::uint64_t block, FileHandle file);
  // Reads of the block throw this from now on, until errors are forgotten: FormatError for code 0, or FileError.
  void fail(std::uint64_t block, int code, std::string message);
  void forget_errors();
  // Tells when a block is used next, whether it is mapped or not: a number that is larger for later uses; 0 for a block
  // that is needed now, and not dropped until another number is told.
  void foresee(std::uint64_t block, std::uint64_t next_use);

  // The blocks that one read needs, kept mapped until it is over. Threads: one.
  class Need {
   public:
    explicit Need(BlockSpace& space) : space_(space) {}
    ~Need();
    Need(const Need&) = delete;
    Need& operator=(const Need&) = delete;
    // Waits for the block at an address that could not be read. Throws its error; StoppedError; FileError(EIO) if it
    // cannot be read although it has come.
    void await(const std::byte* lost);

   private:
    BlockSpace& space_;
    std::map<std::uint64_t, int> losses_;  // how often each block was lost
  };

  // Tells the collector of this thread, if there is one, that bytes [begin, end) will be read.
  void note_use(std::uint64_t begin, std::uint64_t end) const;

 private:
  friend class BlockPager;
  struct Failure {
    int code = 0;
    std::string message;
  };
  [[nodiscard]] std::uint64_t block_at(std::uint64_t offset) const noexcept;
  [[nodiscard]] std::span<const std::byte> pages_of(std::uint64_t block) const noexcept;
  [[nodiscard]] std::string name_of(std::uint64_t block) const;
  [[noreturn]] void throw_failure(std::uint64_t block, const Failure& failure) const;
  void rank(std::uint64_t block);  // as a mapped one; with the pager's mutex held

  const std::shared_ptr<BlockPager> pager_;
  const std::uint64_t id_;
  const std::uint64_t made_at_;  // fork count
  const std::string name_;
  const std::vector<Block> blocks_;
  const Names block_names_;
  std::span<const std::byte> bytes_;
  std::unordered_map<std::uint64_t, BlockPager::Rank> mapped_;
  std::unordered_map<std::uint64_t, std::uint64_t> next_uses_;  // of blocks that are mapped or on their way
  std::unordered_map<std::uint64_t, int> pins_;                 // reads that need a block
  std::unordered_map<std::uint64_t, Failure> failures_;
  std::uint64_t n_forgotten_ = 0;  // how often errors were forgotten: reads that wait then ask again
};

// While it lives, the advice that this thread gives about objects in stores is collected, not acted upon.
class UseCollector {
 public:
  UseCollector() noexcept;
  ~UseCollector();
  UseCollector(const UseCollector&) = delete;
  UseCollector& operator=(const UseCollector&) = delete;
  std::vector<BlockUse> uses;

 private:
  UseCollector* outer_;
};

}  // namespace fastbatch
