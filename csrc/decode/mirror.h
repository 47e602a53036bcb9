// SPDX-License-Identifier: MIT
// Left and right exchanged, in place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch {

// `height` rows of `width` RGB pixels without gaps.
void mirror_rows(std::uint8_t* pixels, std::size_t width, std::size_t height) noexcept;

}  // namespace fastbatch
