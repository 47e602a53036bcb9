// SPDX-License-Identifier: MIT
#include "decode/array_decoder.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "decode/standardize.h"
#include "platform/machine.h"
#include "source/guarded_read.h"

namespace fastbatch {

namespace {
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;
constexpr std::size_t kMaxChunk = 4096;
constexpr std::size_t kMaxDimensions = 64;                      // NumPy's limit
constexpr std::size_t kNeighbourhood = std::size_t{128} << 10;  // bytes that a disk delivers in one access
}  // namespace

namespace {
// A batch that the caches cannot hold is written around them: 17 to 20 % less time per image, and as long to read.
kernels::Stores stores_for(const Workspace& workspace) noexcept {
  static const std::uint64_t cache = cache_bytes();
  return cache > 0 && workspace.batch_bytes > cache ? kernels::Stores::kStreaming : kernels::Stores::kCached;
}
}  // namespace

struct ArrayDecoder::Scratch : Workspace {
  std::vector<std::byte> row;         // without gaps
  std::vector<std::byte> slot;        // before it is divided into pieces
  std::vector<double> numbers;        // the sample to be standardised, and its sums
  std::vector<std::uint64_t> places;  // rows of the samples
};

ArrayDecoder::ArrayDecoder(ArrayView view, std::optional<kernels::Conversion> conversion,
                           std::shared_ptr<const Pieces> pieces)
    : view_(std::move(view)), conversion_(std::move(conversion)), pieces_(std::move(pieces)) {
  if (view_.shape.empty() || view_.shape.size() > kMaxDimensions)
    throw std::invalid_argument("expected 1 to 64 dimensions, found " + std::to_string(view_.shape.size()));
  if (pieces_ && pieces_->size() > 0 && pieces_->last_row() >= view_.shape[0])
    throw std::invalid_argument("expected pieces of rows below " + std::to_string(view_.shape[0]) + ", found " +
                                std::to_string(pieces_->last_row()));
  std::ptrdiff_t expected = static_cast<std::ptrdiff_t>(view_.itemsize);
  for (std::size_t d = view_.shape.size(); d-- > 1;) {
    if (view_.shape[d] > 1 && view_.strides[d] != expected) dense_ = false;
    expected *= static_cast<std::ptrdiff_t>(view_.shape[d]);
    row_elements_ *= static_cast<std::size_t>(view_.shape[d]);
  }
  row_bytes_ = row_elements_ * view_.itemsize;
  slot_bytes_ = row_bytes_;
  if (!conversion_) {
    if (view_.swap_bytes && view_.swap_unit <= 1)
      throw std::invalid_argument("elements of type " + view_.descr + " cannot be brought into native byte order");
    return;
  }
  if (view_.dtype == DType::kOpaque || conversion_->dst == DType::kOpaque)
    throw std::invalid_argument("elements of type " + view_.descr + " can be copied but not converted");
  if (conversion_->channels == 0 || row_elements_ % conversion_->channels != 0 ||
      conversion_->scale.size() != conversion_->shift.size() ||
      (!conversion_->scale.empty() && conversion_->scale.size() != conversion_->channels))
    throw std::invalid_argument("the conversion does not fit samples of " + std::to_string(row_elements_) +
                                " elements");
  conversion_->src = view_.dtype;
  conversion_->swap_bytes = view_.swap_bytes;
  slot_bytes_ = row_elements_ * size_of(conversion_->dst);
}

void ArrayDecoder::standardize_samples() {
  if (!conversion_ || conversion_->channels == 0 || !conversion_->scale.empty() ||
      conversion_->from != conversion_->to || (conversion_->dst != DType::kF32 && conversion_->dst != DType::kF64))
    throw std::invalid_argument("standardised samples are cast to float32 or float64, and nothing else");
  standardized_ = std::exchange(conversion_->dst, DType::kF64);
}

std::size_t ArrayDecoder::chunk_samples() const noexcept {
  return std::clamp<std::size_t>(kChunkBytes / std::max<std::size_t>({1, row_bytes_, slot_bytes_}), 1, kMaxChunk);
}

std::unique_ptr<Workspace> ArrayDecoder::workspace() const {
  auto scratch = std::make_unique<Scratch>();
  if (!dense_) scratch->row.resize(row_bytes_);
  if (standardized_) scratch->numbers.resize(row_elements_ + 2 * conversion_->channels);
  return scratch;
}

std::span<const std::uint64_t> ArrayDecoder::rows_of(std::span<const std::uint64_t> samples,
                                                     std::vector<std::uint64_t>& rows) const {
  if (!pieces_) return samples;
  rows.resize(samples.size());
  pieces_->rows(samples, rows);
  return rows;
}

void ArrayDecoder::decode(std::span<const std::uint64_t> indices, StreamKey /*key*/, std::byte* slots,
                          Workspace& workspace, std::size_t& failed_at) const {
  failed_at = 0;
  auto& scratch = static_cast<Scratch&>(workspace);
  indices = rows_of(indices, scratch.places);
  if (is_copy() && indices.size() == 1) {  // of a mixture, which has prefetched it
    read_on_trip(view_, [&]() noexcept { std::memcpy(slots, row_at(indices[0]), row_bytes_); });
    return;
  }
  if (is_copy()) {
    read_on_trip(view_, [&]() noexcept { kernels::gather(view_.data, view_.strides[0], row_bytes_, indices, slots); });
    return;
  }
  read_on_trip(view_, [&]() noexcept {
    for (std::size_t j = 0; j < indices.size(); ++j) {
      if (dense_ && j + 1 < indices.size()) kernels::prefetch(row_at(indices[j + 1]), row_bytes_);
      decode_row(row_at(indices[j]), slots + j * slot_bytes_, scratch);
    }
  });
}

void ArrayDecoder::scatter(std::span<const std::uint64_t> indices, std::span<const std::uint64_t> places,
                           std::byte* slots, Workspace& workspace) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  indices = rows_of(indices, scratch.places);
  read_on_trip(view_, [&]() noexcept {
    if (is_copy()) return kernels::scatter(view_.data, view_.strides[0], row_bytes_, indices, slots, places);
    for (std::size_t j = 0; j < indices.size(); ++j) {
      if (dense_ && j + 1 < indices.size()) kernels::prefetch(row_at(indices[j + 1]), row_bytes_);
      decode_row(row_at(indices[j]), slots + places[j] * slot_bytes_, scratch);
    }
  });
}

bool ArrayDecoder::overlaps(const ArrayDecoder& other) const noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(view_.data);
  const auto other_begin = reinterpret_cast<std::uintptr_t>(other.view_.data);
  const std::uintptr_t apart = begin < other_begin ? other_begin - begin : begin - other_begin;
  return conversion_ && other.conversion_ && dense_ && other.dense_ && view_.file == other.view_.file &&
         view_.strides[0] == other.view_.strides[0] && apart < std::min(row_bytes_, other.row_bytes_);
}

bool ArrayDecoder::decode_with(const Decoder& next, std::span<const std::uint64_t> indices, std::byte* slots,
                               std::byte* next_slots, Workspace& workspace, Workspace& next_workspace) const {
  const auto* other = dynamic_cast<const ArrayDecoder*>(&next);
  if (other == nullptr || !overlaps(*other)) return false;
  auto& scratch = static_cast<Scratch&>(workspace);
  auto& next_scratch = static_cast<Scratch&>(next_workspace);
  const auto rows = rows_of(indices, scratch.places);
  const auto next_rows = other->rows_of(indices, next_scratch.places);
  read_on_trip(view_.file_end() < other->view_.file_end() ? other->view_ : view_, [&]() noexcept {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      if (j + 1 < rows.size()) kernels::prefetch(row_at(rows[j + 1]), row_bytes_);
      decode_row(row_at(rows[j]), slots + j * slot_bytes_, scratch);
      other->decode_row(other->row_at(next_rows[j]), next_slots + j * other->slot_bytes_, next_scratch);
    }
  });
  return true;
}

void ArrayDecoder::decode_into(std::span<const std::uint64_t> indices, const SlotPieces& places,
                               Workspace& workspace) const {
  auto& scratch = static_cast<Scratch&>(workspace);
  indices = rows_of(indices, scratch.places);
  if (is_copy()) {
    read_on_trip(view_, [&]() noexcept {
      kernels::gather_pieces(view_.data, view_.strides[0], row_bytes_, indices, places.n_pieces, places.first,
                             places.stride);
    });
    return;
  }
  scratch.slot.resize(slot_bytes_);
  const std::uint64_t only[] = {0};
  read_on_trip(view_, [&]() noexcept {
    for (std::size_t j = 0; j < indices.size(); ++j) {
      decode_row(row_at(indices[j]), scratch.slot.data(), scratch);
      kernels::gather_pieces(scratch.slot.data(), 0, slot_bytes_, only, places.n_pieces,
                             places.first + j * places.n_pieces * places.stride, places.stride);
    }
  });
}

void ArrayDecoder::decode_row(const std::byte* row, std::byte* slot, Scratch& scratch) const noexcept {
  const bool converts = conversion_ || view_.swap_bytes;
  if (!dense_) {
    make_dense(row, converts ? scratch.row.data() : slot);
    row = scratch.row.data();
  }
  if (standardized_) {
    double* x = scratch.numbers.data();
    const std::size_t channels = conversion_->channels;
    kernels::convert(*conversion_, row, reinterpret_cast<std::byte*>(x), row_elements_ / channels);
    standardize(x, row_elements_ / channels, channels, x + row_elements_, *standardized_, slot);
  } else if (conversion_)
    kernels::convert(*conversion_, row, slot, row_elements_ / conversion_->channels, stores_for(scratch));
  else if (view_.swap_bytes)
    kernels::byte_swap(row, slot, row_bytes_ / view_.swap_unit, view_.swap_unit);
}

void ArrayDecoder::make_dense(const std::byte* row, std::byte* dense) const noexcept {
  const std::size_t last = view_.shape.size() - 1;
  if (row_bytes_ == 0) return;
  std::uint64_t place[kMaxDimensions] = {};  // an odometer over all but the last dimension
  for (;;) {
    for (std::uint64_t i = 0; i < view_.shape[last]; ++i, dense += view_.itemsize)
      std::memcpy(dense, row + static_cast<std::ptrdiff_t>(i) * view_.strides[last], view_.itemsize);
    std::size_t d = last;
    while (--d >= 1) {
      row += view_.strides[d];
      if (++place[d] < view_.shape[d]) break;
      row -= static_cast<std::ptrdiff_t>(view_.shape[d]) * view_.strides[d];
      place[d] = 0;
    }
    if (d < 1) return;
  }
}

void ArrayDecoder::prefetch(std::uint64_t index) const noexcept {
  if (dense_ && !pieces_) kernels::prefetch(row_at(index), row_bytes_);
}

std::size_t ArrayDecoder::advise(std::span<const std::uint64_t> indices) const {
  if (!view_.file || !dense_ || row_bytes_ == 0) return 0;
  std::vector<std::uint64_t> places;
  indices = rows_of(indices, places);
  std::vector<ByteRange> ranges;
  ranges.reserve(indices.size());
  const std::size_t unit = advice_unit_;
  for (const std::uint64_t i : indices) {
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(i) * view_.strides[0];
    const std::uint64_t begin = view_.file_offset() + static_cast<std::uint64_t>(offset);
    const std::uint64_t end = begin + row_bytes_ + unit - 1;
    ranges.push_back({begin - begin % unit, end - end % unit - (begin - begin % unit)});
  }
  return view_.file->advise_will_need(ranges);
}

void ArrayDecoder::expect_random_access() {
  if (!view_.file || view_.file->space()) return;
  if (row_bytes_ < kNeighbourhood && view_.file->size() < available_memory() / 2)
    advice_unit_ = kNeighbourhood;
  else
    view_.file->set_access(Access::kRandom);
}

}  // namespace fastbatch
