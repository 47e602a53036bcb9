// SPDX-License-Identifier: MIT
// The resize passes, picked for this CPU.
#include "kernels/resize.h"

#include "kernels/resize_scalar.h"

namespace fastbatch::kernels {

void pack(Taps& taps) { taps.layout = WeightLayout::kPlain; }

void resize_rows(const Taps& taps, std::size_t channels, const std::uint8_t* const* src, std::size_t /*pixels*/,
                 std::uint8_t* const* dst, std::size_t n_rows) {
  resize_rows_scalar(taps, channels, src, dst, n_rows);
}

void resize_columns(const Taps& taps, std::size_t i, const std::uint8_t* const* rows, std::uint8_t* dst,
                    std::size_t n_bytes) {
  resize_columns_scalar(taps, i, rows, dst, 0, n_bytes);
}

}  // namespace fastbatch::kernels
