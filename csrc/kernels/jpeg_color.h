// SPDX-License-Identifier: MIT
// Planes of a JPEG -> interleaved pixels, with libjpeg's arithmetic.
// No overlap. Threads: any; nothing here allocates. Every target gives the same bytes as "scalar".
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch::kernels {

// n samples of Y, Cb and Cr -> n pixels of R, G, B and, with `channels` 4 instead of 3, an opaque alpha.
void ycc_to_rgb(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red, std::size_t channels,
                std::uint8_t* dst, std::size_t n);

// n samples of three planes -> n pixels, as above.
void join_planes(const std::uint8_t* first, const std::uint8_t* second, const std::uint8_t* third, std::size_t channels,
                 std::uint8_t* dst, std::size_t n);

}  // namespace fastbatch::kernels
