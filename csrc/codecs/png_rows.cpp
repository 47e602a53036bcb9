// SPDX-License-Identifier: MIT
#include "codecs/png_rows.h"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>

#include "common/error.h"
#include "common/memory.h"
#include "common/stop.h"
#include "kernels/unfilter.h"
#include "source/inflate.h"

namespace fastbatch {
namespace {

using Pieces = std::vector<std::span<const std::byte>>;

// Pillow reads chunks in blocks of this size.
constexpr std::size_t kBlock = 65536;
// Larger images are inflated row by row, to save memory.
constexpr std::uint64_t kMostAtOnce = std::uint64_t{64} << 20U;

// Uninitialised memory.
class Buffer {
 public:
  std::uint8_t* get(std::size_t size) {
    if (size > capacity_) {
      memory_.reset();
      memory_ = std::make_unique_for_overwrite<std::uint8_t[]>(size);
      capacity_ = size;
    }
    return memory_.get();
  }
  void free_if_large() {
    if (capacity_ <= kKeptBytes) return;
    memory_.reset();
    capacity_ = 0;
  }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t capacity_ = 0;
};

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

}  // namespace

std::vector<PngPass> png_passes(ImageSize image, bool interlaced) {
  if (!interlaced) return {{.size = image}};
  constexpr std::array<std::array<std::uint32_t, 4>, 7> kGrids{
      {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
  std::vector<PngPass> passes;
  for (const auto& [x, y, dx, dy] : kGrids) {
    const auto count = [](std::uint32_t n, std::uint32_t first, std::uint32_t step) {
      return n > first ? (n - first + step - 1) / step : 0;
    };
    passes.push_back({x, y, dx, dy, {count(image.width, x, dx), count(image.height, y, dy)}});
  }
  return passes;
}

// The rows are either in `inflated`, each after its filter byte, or inflated by zlib one by one into `lines`.
struct PngRows::State {
  std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor{libdeflate_alloc_decompressor()};
  z_stream zlib{};
  bool zlib_ready = false;

  std::vector<PngPass> passes;
  unsigned bits = 0;
  const Pieces* pieces = nullptr;
  std::size_t pass = 0;
  std::uint32_t row = 0;  // row of the pass

  Buffer joined;                 // the concatenated pieces
  Buffer inflated;               // all rows
  std::uint8_t* rest = nullptr;  // rest of `inflated`; null with zlib

  std::size_t piece = 0;
  std::size_t offset = 0;  // in it
  bool ended = false;      // zlib's stream has ended
  Buffer lines;            // two rows

  Buffer zeros;
  const std::uint8_t* above = nullptr;

  ~State() { end_zlib(); }
  void end_zlib() {
    if (zlib_ready) inflateEnd(&zlib);
    zlib_ready = false;
  }
  [[nodiscard]] std::size_t widest() const {
    std::size_t bytes = 0;
    for (const PngPass& one : passes) bytes = std::max(bytes, one.row_bytes(bits));
    return bytes;
  }
  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t bytes = 0;
    for (const PngPass& one : passes) {
      if (one.size.width != 0) bytes += std::uint64_t{one.size.height} * (one.row_bytes(bits) + 1);
    }
    return bytes;
  }
  bool inflate_at_once();
  void begin_zlib();
  bool feed();
  std::uint8_t* inflate_row(std::size_t size);
};

bool PngRows::State::inflate_at_once() {
  std::uint64_t n_compressed = 0;
  for (const auto& one : *pieces) n_compressed += one.size();
  const std::uint64_t size = total();
  if (size > kMostAtOnce || size > inflate_bound(n_compressed) || !decompressor) return false;
  const std::byte* compressed = pieces->front().data();
  if (pieces->size() > 1) {
    std::uint8_t* dst = joined.get(n_compressed);
    compressed = reinterpret_cast<const std::byte*>(dst);
    for (const auto& one : *pieces) {
      if (!one.empty()) std::memcpy(dst, one.data(), one.size());
      dst += one.size();
    }
  }
  rest = inflated.get(size);
  std::size_t used = 0;
  std::size_t made = 0;
  if (libdeflate_zlib_decompress_ex(decompressor.get(), compressed, n_compressed, rest, size, &used, &made) !=
          LIBDEFLATE_SUCCESS ||
      made != size) {
    return false;
  }
  for (piece = 0; used > (*pieces)[piece].size(); ++piece) used -= (*pieces)[piece].size();
  return true;
}

void PngRows::State::begin_zlib() {
  rest = nullptr;
  piece = offset = 0;
  ended = false;
  zlib = {};
  if (inflateInit(&zlib) != Z_OK) throw std::bad_alloc();
  zlib_ready = true;
}

// Passes the next block of the file to zlib; false if there is none.
bool PngRows::State::feed() {
  while (piece < pieces->size() && offset == (*pieces)[piece].size()) {
    if (piece + 1 == pieces->size()) return false;
    ++piece;
    offset = 0;
  }
  const std::size_t n = std::min(kBlock, (*pieces)[piece].size() - offset);
  const std::byte* block = (*pieces)[piece].data() + offset;
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(block));  // zlib does not write to its input
  zlib.avail_in = static_cast<uInt>(n);
  offset += n;
  return true;
}

// Inflates the next row and its filter byte.
std::uint8_t* PngRows::State::inflate_row(std::size_t size) {
  std::uint8_t* both = lines.get(2 * (widest() + 1));
  std::uint8_t* line = above == both + 1 ? both + widest() + 1 : both;
  zlib.next_out = line;
  zlib.avail_out = static_cast<uInt>(size);
  while (zlib.avail_out != 0) {
    if (zlib.avail_in == 0 && !feed()) {
      throw DecodeError({}, "PNG ends early: expected " + std::to_string(passes[pass].size.height) +
                                " rows, found the end of the data in row " + std::to_string(row));
    }
    const int status = inflate(&zlib, Z_NO_FLUSH);
    if (status < 0) throw DecodeError({}, "broken PNG: the compressed data is damaged");
    ended = status == Z_STREAM_END;
    if (zlib.avail_out != 0) zlib.avail_in = 0;  // behind the end of the stream, or a stream that wants a dictionary
  }
  return line;
}

PngRows::PngRows() : state_(std::make_unique<State>()) {}
PngRows::~PngRows() = default;
PngRows::PngRows(PngRows&&) noexcept = default;
PngRows& PngRows::operator=(PngRows&&) noexcept = default;

void PngRows::open(const std::vector<PngPass>& passes, unsigned bits, const Pieces& pieces) {
  State& state = *state_;
  state.end_zlib();
  state.passes = passes;
  state.bits = bits;
  state.pieces = &pieces;
  state.pass = 0;
  state.row = 0;
  state.above = nullptr;
  state.ended = false;
  if (!state.inflate_at_once()) state.begin_zlib();
}

// The next row behind its filter byte, which is valid.
std::uint8_t* PngRows::next_filtered() {
  throw_if_stopped();
  State& state = *state_;
  while (state.passes[state.pass].size.width == 0 || state.row == state.passes[state.pass].size.height) {
    ++state.pass;
    state.row = 0;
    state.above = nullptr;
  }
  if (state.ended) return nullptr;
  const std::size_t n = state.passes[state.pass].row_bytes(state.bits);
  std::uint8_t* line = state.rest;
  if (line != nullptr) {
    state.rest += n + 1;
  } else {
    line = state.inflate_row(n + 1);
  }
  if (*line >= kernels::kPngFilters) {
    throw DecodeError({}, "broken PNG: expected filter 0 to 4, found " + std::to_string(*line) + " in row " +
                              std::to_string(state.row));
  }
  ++state.row;
  return line;
}

const std::uint8_t* PngRows::next() {
  State& state = *state_;
  std::uint8_t* const line = next_filtered();
  if (line == nullptr) return nullptr;
  const std::size_t n = state.passes[state.pass].row_bytes(state.bits);
  if (state.above == nullptr) {
    std::uint8_t* zeros = state.zeros.get(n);
    std::memset(zeros, 0, n);
    state.above = zeros;
  }
  kernels::unfilter(*line, std::max(1U, state.bits / 8), state.above, line + 1, n);
  state.above = line + 1;
  return line + 1;
}

bool PngRows::pass() { return next_filtered() != nullptr; }

std::size_t PngRows::last_piece() const noexcept { return state_->piece; }

void PngRows::close() {
  state_->end_zlib();
  state_->joined.free_if_large();
  state_->inflated.free_if_large();
  state_->lines.free_if_large();
  state_->zeros.free_if_large();
}

}  // namespace fastbatch
