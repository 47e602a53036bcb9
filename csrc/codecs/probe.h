// SPDX-License-Identifier: MIT
// Reads the headers of many images without decoding a pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "codecs/reader.h"
#include "common/stop.h"
#include "source/source.h"

namespace fastbatch {

struct ProbedImage {
  ImageInfo info{};
  std::string error{};          // message, or empty for a valid image
  bool is_unsupported = false;  // no codec reads this format or subformat; `error` names it
};

// One result per sample of [first, first + n), in order, by `threads` threads; also for bad samples. Reads only
// Codec::header_bytes if they contain the header. Throws StoppedError. Threads: any.
std::vector<ProbedImage> probe_images(const SampleSource& source, std::uint64_t first, std::size_t n,
                                      std::size_t threads, std::uint64_t max_pixels, const StopSignal& stop);

}  // namespace fastbatch
