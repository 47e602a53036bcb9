// SPDX-License-Identifier: MIT
#include "decode/chunked_decoder.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"

namespace fastbatch {

namespace {

constexpr std::uint64_t kMostAhead = 8;       // chunks that are read ahead of one another thread is loading
constexpr std::size_t kMostScattered = 1024;  // bytes of rows that are converted together, and then put in their slots
constexpr std::size_t kPrefetchAhead = 16;    // rows

}  // namespace

struct ChunkedDecoder::Scratch : Workspace {
  std::unique_ptr<Workspace> rows;  // of ArrayDecoder
  std::vector<std::span<const Wanted>> busy;
  std::vector<std::uint64_t> indices;
  std::vector<std::byte> slots;
};

// The rows of one task by their chunks. The columns of a table are decoded one after another for the same rows, which
// are divided for the first of them only.
struct ChunkedDecoder::Grouped {
  std::uint64_t cache = 0;  // id
  std::vector<std::uint64_t> indices;
  std::vector<Wanted> wanted;
};

ChunkedDecoder::ChunkedDecoder(std::shared_ptr<ChunkCache> chunks, std::size_t field, ArrayView none,
                               std::optional<kernels::Conversion> conversion)
    : chunks_(std::move(chunks)),
      field_(field),
      none_(std::move(none)),
      conversion_(std::move(conversion)),
      of_none_(none_, conversion_) {}

void ChunkedDecoder::standardize_samples() {
  of_none_.standardize_samples();
  standardizes_ = true;
}

std::unique_ptr<Workspace> ChunkedDecoder::workspace() const {
  auto scratch = std::make_unique<Scratch>();
  scratch->rows = of_none_.workspace();
  return scratch;
}

std::span<const ChunkedDecoder::Wanted> ChunkedDecoder::grouped(std::span<const std::uint64_t> indices) const {
  thread_local Grouped known;
  if (known.cache == chunks_->id() &&
      std::equal(indices.begin(), indices.end(), known.indices.begin(), known.indices.end()))
    return known.wanted;
  known.cache = 0;  // until all of it is there
  known.indices.assign(indices.begin(), indices.end());
  known.wanted.clear();
  for (std::size_t j = 0; j < indices.size(); ++j) {
    const std::uint64_t k = chunks_->chunk_of(indices[j]);
    known.wanted.push_back({k, indices[j] - chunks_->first_row(k), j});
  }
  const auto is_before = [](const Wanted& one, const Wanted& other) {
    return std::pair(one.chunk, one.place) < std::pair(other.chunk, other.place);
  };
  if (!std::is_sorted(known.wanted.begin(), known.wanted.end(), is_before))
    std::sort(known.wanted.begin(), known.wanted.end(), is_before);
  known.cache = chunks_->id();
  return known.wanted;
}

void ChunkedDecoder::decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots,
                            Workspace& workspace, std::size_t& failed_at) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  scratch.rows->batch_bytes = scratch.batch_bytes;
  const std::span<const Wanted> wanted = grouped(indices);

  std::exception_ptr error;
  std::size_t failed = std::numeric_limits<std::size_t>::max();
  // Decodes the rows of one chunk; false if another thread is loading it.
  const auto attempt = [&](std::span<const Wanted> rows, bool wait) {
    const std::uint64_t k = rows.front().chunk;
    try {
      const ChunkCache::Held chunk = wait ? chunks_->get(k) : chunks_->get_unless_busy(k);
      if (!chunk) return false;
      const ArrayView& view = chunk->fields.at(field_);
      check(view, k);
      decode_rows(view, rows, slots, scratch);
    } catch (...) {
      if (rows.front().place < failed) {
        failed = rows.front().place;
        error = std::current_exception();
      }
    }
    return true;
  };
  // Workers want the same chunks when a window of blocks begins: each loads others, and waits only at the end.
  scratch.busy.clear();
  for (auto first = wanted.begin(); first != wanted.end();) {
    const auto last = std::find_if(first, wanted.end(), [&](const Wanted& one) { return one.chunk != first->chunk; });
    if (!attempt({first, last}, false)) scratch.busy.emplace_back(first, last);
    first = last;
  }
  const bool is_in_order = indices.size() > 1 && std::is_sorted(indices.begin(), indices.end());
  for (const std::span<const Wanted> rows : scratch.busy) {
    if (is_in_order) load_next(rows.front().chunk);
    attempt(rows, true);
  }
  if (error) {
    failed_at = failed;
    std::rethrow_exception(error);
  }
}

void ChunkedDecoder::check(const ArrayView& view, std::uint64_t k) const {
  const std::uint64_t n = chunks_->end_row(k) - chunks_->first_row(k);
  if (view.descr != none_.descr || view.shape.empty() || view.shape[0] != n ||
      !std::equal(view.shape.begin() + 1, view.shape.end(), none_.shape.begin() + 1, none_.shape.end())) {
    throw DecodeError({view.path}, "chunk " + std::to_string(k) + ": expected " + std::to_string(n) + " rows of type " +
                                       none_.descr + ", found others");
  }
}

void ChunkedDecoder::decode_rows(const ArrayView& view, std::span<const Wanted> rows, std::byte* slots,
                                 Scratch& scratch) const {
  bool is_dense = true;
  auto step = static_cast<std::ptrdiff_t>(view.itemsize);
  for (std::size_t d = view.shape.size(); d-- > 1;) {
    if (view.shape[d] > 1 && view.strides[d] != step) is_dense = false;
    step *= static_cast<std::ptrdiff_t>(view.shape[d]);
  }
  if (!is_dense || conversion_ || view.swap_bytes) return convert_rows(view, rows, slots, scratch);
  switch (slot_bytes()) {
    case 1: return copy_rows<1>(view, rows, slots);
    case 2: return copy_rows<2>(view, rows, slots);
    case 4: return copy_rows<4>(view, rows, slots);
    case 8: return copy_rows<8>(view, rows, slots);
    default: return copy_rows<0>(view, rows, slots);
  }
}

// kBytes: of a row; 0 if only known at run time.
template <std::size_t kBytes>
void ChunkedDecoder::copy_rows(const ArrayView& view, std::span<const Wanted> rows, std::byte* slots) const noexcept {
  const std::size_t n_bytes = kBytes > 0 ? kBytes : slot_bytes();
  const auto at = [&](const Wanted& one) { return view.data + static_cast<std::ptrdiff_t>(one.row) * view.strides[0]; };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kPrefetchAhead < rows.size()) __builtin_prefetch(at(rows[i + kPrefetchAhead]));
    std::memcpy(slots + rows[i].place * n_bytes, at(rows[i]), n_bytes);
  }
}

void ChunkedDecoder::convert_rows(const ArrayView& view, std::span<const Wanted> rows, std::byte* slots,
                                  Scratch& scratch) const {
  ArrayDecoder decoder(view, conversion_);
  if (standardizes_) decoder.standardize_samples();
  std::size_t failed_at = 0;
  for (std::size_t begin = 0; begin < rows.size();) {
    scratch.indices.clear();
    std::size_t end = begin;
    for (; end < rows.size() && rows[end].place == rows[begin].place + (end - begin); ++end)
      scratch.indices.push_back(rows[end].row);
    if (begin == 0 && end < rows.size() && slot_bytes() <= kMostScattered) break;
    // Rows that are neighbours in the batch go where they belong.
    decoder.decode(scratch.indices, {}, slots + rows[begin].place * slot_bytes(), *scratch.rows, failed_at);
    begin = end;
    if (begin == rows.size()) return;
  }
  scratch.indices.clear();
  for (const Wanted& one : rows) scratch.indices.push_back(one.row);
  scratch.slots.resize(rows.size() * slot_bytes());
  decoder.decode(scratch.indices, {}, scratch.slots.data(), *scratch.rows, failed_at);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(slots + rows[i].place * slot_bytes(), scratch.slots.data() + i * slot_bytes(), slot_bytes());
}

// Another thread is loading chunk k of rows that are read in order: loads the first of the next ones that nobody has.
// An error is left to whoever needs the chunk.
void ChunkedDecoder::load_next(std::uint64_t k) const {
  const std::uint64_t end = std::min(chunks_->n_chunks(), k + 1 + kMostAhead);
  try {
    for (std::uint64_t next = k + 1; next < end && chunks_->load_ahead(next) == 0;) ++next;
  } catch (const Error&) {
    return;
  }
}

std::size_t ChunkedDecoder::advise(std::span<const std::uint64_t> indices) const {
  return field_ == 0 ? chunks_->load_ahead(indices) : 0;  // a chunk has all fields
}

}  // namespace fastbatch
