// SPDX-License-Identifier: MIT
#include "source/hdf5_chunks.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <utility>

#include "common/error.h"

namespace fastbatch {

Hdf5Chunks::Hdf5Chunks(const std::string& path, const FileStatus& known, Layout layout)
    : file_(path), known_(known), layout_(std::move(layout)) {
  require_unchanged();
  check_layout();
}

void Hdf5Chunks::check_layout() {
  const auto fail = [&](const std::string& what) { throw FormatError({file_.path()}, what); };
  const std::size_t n_dims = layout_.shape.size();
  if (n_dims == 0 || layout_.tile.size() != n_dims || layout_.fill.size() != layout_.element.itemsize ||
      std::find(layout_.tile.begin(), layout_.tile.end(), 0U) != layout_.tile.end() ||
      std::find(layout_.shape.begin(), layout_.shape.end(), 0U) != layout_.shape.end()) {
    fail("chunks of an HDF5 data set: expected a chunk of as many dimensions as the data, found another");
  }
  const std::uint64_t n_found = layout_.tiles.size();
  std::uint64_t n_tiles = 1;
  for (std::size_t d = 0; d < n_dims; ++d) {
    grid_.push_back((layout_.shape[d] - 1) / layout_.tile[d] + 1);
    n_tiles = grid_[d] > n_found / std::max<std::uint64_t>(n_tiles, 1) ? 0 : n_tiles * grid_[d];
  }
  if (n_tiles == 0 || n_tiles != n_found) {
    fail("chunks of an HDF5 data set: expected one for each part of its shape, found " + std::to_string(n_found));
  }
  tiles_in_band_ = n_tiles / grid_[0];
  std::vector<std::uint64_t> band = layout_.shape;
  band[0] = std::min(band[0], layout_.tile[0]);
  const auto tile_bytes = array_bytes(layout_.tile, layout_.element.itemsize);
  const auto band_bytes = array_bytes(band, layout_.element.itemsize);
  if (!tile_bytes || !band_bytes || *tile_bytes > layout_.most_bytes || *band_bytes > layout_.most_bytes) {
    const std::uint64_t found = std::max(tile_bytes.value_or(INT64_MAX), band_bytes.value_or(INT64_MAX));
    fail("rows that are stored together: expected at most " + std::to_string(layout_.most_bytes) +
         " bytes of memory for them, found " + std::to_string(found));
  }
  tile_bytes_ = *tile_bytes;
  row_bytes_ = *band_bytes / band[0];
}

void Hdf5Chunks::require_unchanged() const {
  if (!known_.is_unchanged(file_.status_now())) throw FormatError({file_.path()}, "file changed while in use");
}

void Hdf5Chunks::read_tile(const Tile& tile, std::vector<std::byte>& bytes, std::vector<std::byte>& scratch) const {
  if (tile.offset == kNone) {
    bytes.resize(tile_bytes_);
    const std::size_t itemsize = layout_.fill.size();
    for (std::size_t at = 0; at < tile_bytes_; at += itemsize) {
      std::memcpy(bytes.data() + at, layout_.fill.data(), itemsize);
    }
    return;
  }
  if (tile.offset > known_.size || tile.size > known_.size - tile.offset) {  // before memory is taken for it
    throw FormatError({file_.path(), {}, tile.offset}, "chunk ends early: expected " + std::to_string(tile.size) +
                                                           " bytes, found a file of " + std::to_string(known_.size));
  }
  bytes.resize(static_cast<std::size_t>(tile.size));
  const std::size_t n_read = file_.read_at(tile.offset, bytes);
  require_unchanged();
  if (n_read != bytes.size()) {
    throw FormatError({file_.path(), {}, tile.offset}, "chunk ends early: expected " + std::to_string(tile.size) +
                                                           " bytes, found " + std::to_string(n_read));
  }
  try {
    undo_filters(layout_.filters, tile.mask, layout_.element.itemsize, tile_bytes_, bytes, scratch);
  } catch (const DecodeError& error) {
    throw DecodeError({file_.path(), {}, tile.offset}, error.message());
  }
}

// Copies the part of a tile that lies within the data set, run by run along the last dimension.
void Hdf5Chunks::place_tile(std::span<const std::byte> tile, std::uint64_t number, std::uint64_t n_rows,
                            std::byte* band) const {
  const std::size_t n_dims = layout_.shape.size();
  const std::size_t itemsize = layout_.element.itemsize;
  std::vector<std::uint64_t> extent(n_dims);   // of the part
  std::vector<std::size_t> tile_step(n_dims);  // bytes
  std::vector<std::size_t> band_step(n_dims);  // bytes
  std::size_t tile_size = itemsize;
  std::size_t band_size = itemsize;
  std::size_t start = 0;  // in the band, bytes
  for (std::size_t d = n_dims; d-- > 1;) {
    const std::uint64_t first = number % grid_[d] * layout_.tile[d];
    number /= grid_[d];
    extent[d] = std::min(layout_.tile[d], layout_.shape[d] - first);
    tile_step[d] = tile_size;
    band_step[d] = band_size;
    start += static_cast<std::size_t>(first) * band_size;
    tile_size *= static_cast<std::size_t>(layout_.tile[d]);
    band_size *= static_cast<std::size_t>(layout_.shape[d]);
  }
  extent[0] = n_rows;
  tile_step[0] = tile_size;
  band_step[0] = band_size;

  const std::size_t last = n_dims - 1;
  const std::size_t run = static_cast<std::size_t>(extent[last]) * itemsize;
  std::vector<std::uint64_t> at(n_dims);  // an odometer over all but the last dimension
  const std::byte* src = tile.data();
  std::byte* dst = band + start;
  for (;;) {
    std::memcpy(dst, src, run);
    std::size_t d = last;
    for (; d-- > 0;) {
      src += tile_step[d];
      dst += band_step[d];
      if (++at[d] < extent[d]) break;
      src -= extent[d] * tile_step[d];
      dst -= extent[d] * band_step[d];
      at[d] = 0;
    }
    if (d == SIZE_MAX) return;
  }
}

Chunk Hdf5Chunks::load(std::uint64_t k) const {
  const std::uint64_t first = k * layout_.tile[0];
  const std::uint64_t n_rows = std::min(layout_.tile[0], layout_.shape[0] - first);
  const std::size_t n_bytes = static_cast<std::size_t>(n_rows) * row_bytes_;
  std::shared_ptr<std::vector<std::byte>> band;
  std::vector<std::byte> bytes;
  std::vector<std::byte> scratch;
  const std::span<const Tile> tiles(layout_.tiles.data() + k * tiles_in_band_, tiles_in_band_);
  if (tiles.size() == 1) {  // the tile is as wide as the data, or wider in one dimension
    const bool is_as_wide = std::equal(layout_.tile.begin() + 1, layout_.tile.end(), layout_.shape.begin() + 1);
    if (is_as_wide) {
      read_tile(tiles[0], bytes, scratch);
      bytes.resize(n_bytes);
      band = std::make_shared<std::vector<std::byte>>(std::move(bytes));
    }
  }
  if (!band) {
    band = std::make_shared<std::vector<std::byte>>(n_bytes);
    for (std::uint64_t number = 0; number < tiles.size(); ++number) {
      read_tile(tiles[number], bytes, scratch);
      place_tile(bytes, number, n_rows, band->data());
    }
  }
  std::vector<std::uint64_t> shape = layout_.shape;
  shape[0] = n_rows;
  ArrayView view = dense_view(layout_.element, std::move(shape));
  view.data = band->data();
  view.owner = band;
  view.path = file_.path();
  return {{std::move(view)}, band->capacity()};
}

}  // namespace fastbatch
