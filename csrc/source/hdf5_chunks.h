// SPDX-License-Identifier: MIT
// The chunks of an HDF5 data set, read and decompressed without the HDF5 library, whose lock admits one thread at a
// time. Where they lie in the file has been asked of the library before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/chunk_cache.h"
#include "source/descr.h"
#include "source/hdf5_filters.h"
#include "source/open_file.h"

namespace fastbatch {

// Chunk k of the cache is a band: all tiles (HDF5's chunks) that have rows [k * tile[0], (k + 1) * tile[0]).
// Threads: immutable, any. Owns the open file.
class Hdf5Chunks : public ChunkSource {
 public:
  struct Tile {
    std::uint64_t offset = kNone;  // in the file; kNone: never written, all of it is `fill`
    std::uint64_t size = 0;        // bytes in the file
    std::uint32_t mask = 0;        // see undo_filters()
  };
  static constexpr std::uint64_t kNone = UINT64_MAX;

  struct Layout {
    ElementType element;
    std::vector<std::uint64_t> shape;  // of the data set, at least one dimension
    std::vector<std::uint64_t> tile;   // of a chunk, as many dimensions
    std::vector<Hdf5Filter> filters;   // in the order of writing
    std::vector<std::byte> fill;       // one element
    std::vector<Tile> tiles;           // of the whole grid, the last dimension first
    std::uint64_t most_bytes = 0;      // of a band
  };

  // `known`: the file when the layout was read. Throws FileError; FormatError if it is another one now, if a band is
  // larger than `most_bytes` or if the layout contradicts itself.
  Hdf5Chunks(const std::string& path, const FileStatus& known, Layout layout);

  // Throws FormatError if the file was written to meanwhile, or ends early; DecodeError for damaged data.
  [[nodiscard]] Chunk load(std::uint64_t k) const override;

 private:
  void check_layout();
  void require_unchanged() const;
  void read_tile(const Tile& tile, std::vector<std::byte>& bytes, std::vector<std::byte>& scratch) const;
  void place_tile(std::span<const std::byte> tile, std::uint64_t number, std::uint64_t n_rows, std::byte* band) const;

  const OpenFile file_;
  const FileStatus known_;
  const Layout layout_;
  std::vector<std::uint64_t> grid_;  // tiles in each dimension
  std::uint64_t tiles_in_band_ = 1;
  std::size_t tile_bytes_ = 0;
  std::size_t row_bytes_ = 0;  // of the data set
};

}  // namespace fastbatch
