// SPDX-License-Identifier: MIT
#include "source/parquet_images.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "source/byte_stream.h"
#include "source/open_file.h"

namespace fastbatch {
namespace {

ArrayView row_of(DType dtype, const char* descr, std::size_t n, const std::byte* data,
                 std::shared_ptr<const void> owner) {
  ArrayView view;
  view.data = data;
  view.dtype = dtype;
  view.itemsize = size_of(dtype);
  view.descr = descr;
  view.shape = {n};
  view.strides = {static_cast<std::ptrdiff_t>(view.itemsize)};
  view.owner = std::move(owner);
  return view;
}

}  // namespace

// Memory of groups that are no longer used: the next group needs no new pages of the system. Threads: any.
// Fork: a child whose parent held the lock gets new memory each time.
class ParquetImages::Memory {
 public:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };

  explicit Memory(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  // `size` bytes with any content; they come back when nobody owns them.
  static std::shared_ptr<std::byte> take(const std::shared_ptr<Memory>& memory, std::size_t size) {
    auto block = std::make_unique<Block>(memory->pick(size));
    if (block->size < size) *block = {std::make_unique_for_overwrite<std::byte[]>(size), size};
    std::byte* const bytes = block->bytes.get();
    return {bytes, [memory, block = std::shared_ptr<Block>(std::move(block))](std::byte*) { memory->put(*block); }};
  }

 private:
  // The smallest block that is large enough; an empty one if there is none.
  Block pick(std::size_t size) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return {};
    auto best = free_.end();
    for (auto one = free_.begin(); one != free_.end(); ++one) {
      if (one->size >= size && (best == free_.end() || one->size < best->size)) best = one;
    }
    if (best == free_.end()) return {};
    Block block = std::move(*best);
    free_.erase(best);
    bytes_ -= block.size;
    return block;
  }
  void put(Block& block) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || block.size > most_bytes_) return;
    try {
      free_.emplace_back();
    } catch (const std::bad_alloc&) {
      return;  // the block is freed
    }
    bytes_ += block.size;
    free_.back() = std::move(block);
    while (bytes_ > most_bytes_) {  // the oldest ones are too small for the groups that come
      bytes_ -= free_.front().size;
      free_.erase(free_.begin());
    }
  }

  const std::uint64_t most_bytes_;
  std::mutex mutex_;         // guards what follows
  std::vector<Block> free_;  // the oldest first
  std::uint64_t bytes_ = 0;  // of all free blocks
};

ParquetImages::ParquetImages(std::shared_ptr<const ChunkSource> other, std::vector<File> files,
                             std::vector<Group> groups, std::uint64_t most_bytes)
    : other_(std::move(other)),
      files_(std::move(files)),
      groups_(std::move(groups)),
      most_bytes_(most_bytes),
      memory_(std::make_shared<Memory>(most_bytes / 2)) {
  if (!std::ranges::all_of(groups_, [&](const Group& group) { return group.file < files_.size(); })) {
    throw std::invalid_argument("groups: expected the number of a file, found a larger one");
  }
}

ParquetImages::~ParquetImages() = default;

bool ParquetImages::read(const Group& group, Chunk& chunk) const {
  const File& known = files_[group.file];
  const OpenFile file(known.path);
  if (!known.status.is_unchanged(file.status())) return false;
  for (const Pages& pages : group.columns) {
    if (pages.begin > file.size() || pages.packed > file.size() - pages.begin) return false;
    if (pages.unpacked > most_bytes_ - std::min(most_bytes_, std::uint64_t{chunk.bytes})) return false;
    ByteStream stream([&](std::uint64_t offset, std::span<std::byte> dst) { return file.read_at(offset, dst); },
                      pages.begin, pages.begin + pages.packed);
    const auto size = static_cast<std::size_t>(pages.unpacked);
    const std::shared_ptr<std::byte> bytes = Memory::take(memory_, size);
    const auto bounds = std::make_shared<std::vector<std::uint64_t>>();
    if (!read_byte_strings(stream, pages.column, group.n_rows, {bytes.get(), size}, *bounds)) return false;
    const auto* const ends = reinterpret_cast<const std::byte*>(bounds->data());
    chunk.fields.push_back(row_of(DType::kU64, "<u8", bounds->size(), ends, bounds));
    chunk.fields.push_back(row_of(DType::kU8, "|u1", size, bytes.get(), bytes));
    chunk.bytes += size + bounds->capacity() * sizeof(std::uint64_t);
  }
  return known.status.is_unchanged(file.status_now());
}

Chunk ParquetImages::load(std::uint64_t k) const {
  try {
    Chunk chunk;
    if (k < groups_.size() && read(groups_[k], chunk)) return chunk;
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the other source says what is wrong
  }
  return other_->load(k);
}

}  // namespace fastbatch
