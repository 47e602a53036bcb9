// SPDX-License-Identifier: MIT
// Rows of an array -> slots, copied or converted. The cases:
//   dense rows, native byte order, no conversion   gathered unchanged (any fixed size: also complex, dates, strings)
//   anything else of the twelve types              converted row by row: other byte order, cast, scale, transpose
//   rows with gaps (strided, Fortran order)        made dense in scratch memory first
//   other byte order without a conversion          swapped; std::invalid_argument if the unit to swap is unknown
//   standardisation per sample                     converted to float64 in scratch memory, then standardize.h
// Threads: immutable, any.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "decode/decoder.h"
#include "kernels/kernels.h"
#include "source/array_view.h"
#include "source/pieces.h"

namespace fastbatch {

class ArrayDecoder : public Decoder {
 public:
  // Sample i is view[i] (at least 1-d), or view[row of sample i] with `pieces`. `conversion.src` and `.swap_bytes` are
  // taken from the view; a sample is (pixels, channels) or (channels, pixels). Throws std::invalid_argument if the
  // shapes do not fit.
  ArrayDecoder(ArrayView view, std::optional<kernels::Conversion> conversion,
               std::shared_ptr<const Pieces> pieces = nullptr);

  [[nodiscard]] std::uint64_t size() const noexcept override { return pieces_ ? pieces_->size() : view_.shape[0]; }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override { return slot_bytes_; }
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;
  [[nodiscard]] bool uses_key() const noexcept override { return false; }
  [[nodiscard]] bool is_brief() const noexcept override { return !view_.file || !view_.file->space(); }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;
  [[nodiscard]] bool can_scatter() const noexcept override { return true; }
  void scatter(std::span<const std::uint64_t> indices, std::span<const std::uint64_t> places, std::byte* slots,
               Workspace& workspace) const override;
  [[nodiscard]] bool decode_with(const Decoder& next, std::span<const std::uint64_t> indices, std::byte* slots,
                                 std::byte* next_slots, Workspace& workspace, Workspace& next_workspace) const override;
  void prefetch(std::uint64_t index) const noexcept override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

  // Strided slots: each sample consists of n_pieces equal pieces, `stride` bytes apart, followed by the pieces of the
  // next sample.
  struct SlotPieces {
    std::byte* first;
    std::size_t n_pieces;
    std::size_t stride;
  };
  void decode_into(std::span<const std::uint64_t> indices, const SlotPieces& places, Workspace& workspace) const;
  // Samples are (rows, channels); each channel of each sample is standardised: see standardize.h. The conversion
  // is a cast to float32 or float64; throws std::invalid_argument otherwise.
  void standardize_samples();

  // The order will be random. Advice then covers the pages around a row only if the file fits into memory.
  void expect_random_access();

 private:
  struct Scratch;
  // The rows of samples: `samples` itself, or with pieces the rows written to `rows`.
  std::span<const std::uint64_t> rows_of(std::span<const std::uint64_t> samples,
                                         std::vector<std::uint64_t>& rows) const;
  [[nodiscard]] const std::byte* row_at(std::uint64_t row) const noexcept {
    return view_.data + static_cast<std::ptrdiff_t>(row) * view_.strides[0];
  }
  void decode_row(const std::byte* row, std::byte* slot, Scratch& scratch) const noexcept;
  [[nodiscard]] bool overlaps(const ArrayDecoder& other) const noexcept;  // converted samples that share bytes
  [[nodiscard]] bool is_copy() const noexcept { return dense_ && !conversion_ && !view_.swap_bytes; }
  void make_dense(const std::byte* row, std::byte* dense) const noexcept;

  const ArrayView view_;
  std::optional<kernels::Conversion> conversion_;
  const std::shared_ptr<const Pieces> pieces_;
  std::optional<DType> standardized_;  // the type of the batch; conversion_ is then a cast to float64
  std::size_t row_elements_ = 1;
  std::size_t row_bytes_ = 0;  // in the source, without gaps
  std::size_t slot_bytes_ = 0;
  bool dense_ = true;  // rows have no gaps
  // Bytes: advice covers whole multiples of it. Set by a loader that begins while another one reads.
  std::atomic<std::size_t> advice_unit_ = 1;
};

}  // namespace fastbatch
