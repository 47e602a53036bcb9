// SPDX-License-Identifier: MIT
#include "source/chunked_samples.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "common/error.h"

namespace fastbatch {
namespace {

// Whether a field is one dense row of elements of this type.
bool is_row(const ArrayView& field, DType dtype) {
  return field.dtype == dtype && !field.swap_bytes && field.shape.size() == 1 &&
         (field.shape[0] <= 1 || field.strides[0] == static_cast<std::ptrdiff_t>(size_of(dtype)));
}

}  // namespace

ChunkedSamples::ChunkedSamples(std::shared_ptr<ChunkCache> chunks, std::size_t field, std::vector<std::string> files,
                               std::vector<std::uint64_t> first_rows)
    : chunks_(std::move(chunks)), field_(field), files_(std::move(files)), first_rows_(std::move(first_rows)) {
  if (files_.size() != chunks_->n_chunks() || first_rows_.size() != files_.size()) {
    throw std::invalid_argument("expected a file and a row for each of " + std::to_string(chunks_->n_chunks()) +
                                " chunks");
  }
}

std::span<const std::byte> ChunkedSamples::read(std::uint64_t i, ReadBuffer& buffer) const {
  const std::uint64_t k = chunks_->chunk_of(i);
  const std::uint64_t row = i - chunks_->first_row(k);
  const std::uint64_t n_rows = chunks_->end_row(k) - chunks_->first_row(k);
  const ChunkCache::Held held = chunks_->get(k);
  const auto broken = [&] { return DecodeError({}, "broken chunk " + std::to_string(k) + " of images"); };
  if (held->fields.size() < field_ + 2) throw broken();
  const ArrayView& bounds = held->fields[field_];
  const ArrayView& blob = held->fields[field_ + 1];
  if (!is_row(bounds, DType::kU64) || !is_row(blob, DType::kU8) || bounds.shape[0] != 2 * n_rows) throw broken();
  std::uint64_t ends[2];
  std::memcpy(ends, bounds.data + row * sizeof ends, sizeof ends);
  if (ends[0] > ends[1] || ends[1] > blob.shape[0]) throw broken();
  const std::uint64_t size = ends[1] - ends[0];
  if (size > kMaxSampleBytes) throw FileError({}, EFBIG);
  const std::span<std::byte> sample = buffer.make_room(size);
  if (size != 0) std::memcpy(sample.data(), blob.data + ends[0], size);
  return sample;
}

std::string ChunkedSamples::name(std::uint64_t i) const {
  const std::uint64_t k = chunks_->chunk_of(i);
  return files_[k] + ": row " + std::to_string(first_rows_[k] + i - chunks_->first_row(k));
}

std::size_t ChunkedSamples::advise(std::span<const std::uint64_t> indices) const {
  return field_ == 0 ? chunks_->load_ahead(indices) : 0;  // a chunk has all fields
}

}  // namespace fastbatch
