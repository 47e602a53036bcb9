// SPDX-License-Identifier: MIT
// Upsampling of JPEG's chroma planes with libjpeg's arithmetic ("fancy": a triangle filter; else samples are repeated).
// No overlap. Threads: any; nothing here allocates. Every target gives the same bytes as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

// dst[2 * i] and dst[2 * i + 1] from src[i - 1], src[i] and src[i + 1], for i < n: src[-1] and src[n] are read too. At
// the edges of an image they are copies of the outermost samples.
void upsample_columns(const std::uint8_t* src, std::uint8_t* dst, std::size_t n);

// dst[i] from the sample of the nearer and of the farther row. `below`: the farther row is the lower one.
void upsample_rows(const std::uint8_t* nearer, const std::uint8_t* farther, bool below, std::uint8_t* dst,
                   std::size_t n);

// Both at once, which is not the same as one after the other. Reads one sample before and after n of both rows.
void upsample_both(const std::uint8_t* nearer, const std::uint8_t* farther, std::uint8_t* dst, std::size_t n);

// Each sample `factor` times.
void repeat_samples(const std::uint8_t* src, std::size_t factor, std::uint8_t* dst, std::size_t n);

}  // namespace fastbatch::kernels
