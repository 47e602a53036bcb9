// SPDX-License-Identifier: MIT
// Reads the headers of many images without decoding a pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "codecs/reader.h"
#include "source/source.h"

namespace fastbatch {

struct ProbedImage {
  ImageInfo info{};
  std::string error{};          // empty: the sample is an image
  bool is_unsupported = false;  // of a format, or a kind, that no codec reads; `error` says which
};

// One result for each of samples [first, first + n), in order; `threads` at a time. A sample that is broken or missing
// is a result too. No more than
// Codec::header_bytes are read where they hold the header. Threads: any.
std::vector<ProbedImage> probe_images(const SampleSource& source, std::uint64_t first, std::size_t n,
                                      std::size_t threads, std::uint64_t max_pixels);

}  // namespace fastbatch
