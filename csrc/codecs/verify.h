// SPDX-License-Identifier: MIT
// Reads many images whole, and says which of them are damaged, as a decode would. Nobody sees the pixels, so that a
// JPEG needs no inverse DCT and no colours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/reader.h"
#include "common/stop.h"
#include "source/source.h"

namespace fastbatch {

struct VerifiedImage {
  std::string error{};          // message, or empty for a valid image
  int system_error = 0;         // errno, if the sample could not be read
  bool is_unsupported = false;  // no codec reads this format, subformat or mode; `error` names it
  std::uint64_t n_bytes = 0;    // of the sample
};

// The mode of an array that holds what Pillow's mode `name` holds, of a file of mode `stored`; nothing if only Pillow
// may know it.
[[nodiscard]] std::optional<ColorMode> color_mode_named(std::string_view name, std::string_view stored) noexcept;

// "expected an image of a mode that arrays of 8 or 16 bits hold, found CMYK"
[[nodiscard]] std::string wrong_mode_text(std::string_view stored);

// One result per sample of [first, first + n), in order, by `threads` threads; also for bad samples. Throws
// StoppedError soon after `stop` is set. Threads: any.
std::vector<VerifiedImage> verify_images(const SampleSource& source, std::uint64_t first, std::size_t n,
                                         std::size_t threads, std::uint64_t max_pixels, const StopSignal& stop);

}  // namespace fastbatch
