// SPDX-License-Identifier: MIT
#include "codecs/probe.h"

#include <algorithm>
#include <span>

#include "codecs/file_reader.h"
#include "codecs/registry.h"
#include "common/error.h"
#include "common/parallel.h"

namespace fastbatch {
namespace {

constexpr std::size_t kSamplesAtOnce = 32;  // samples per call of a reader

std::size_t most_header_bytes() {
  std::size_t most = 0;
  for (const Codec& codec : codecs()) most = std::max(most, codec.header_bytes);
  return most;
}

// One thread's buffer and reader. Threads: one at a time.
class Prober {
 public:
  Prober(const SampleSource& source, std::uint64_t max_pixels) : source_(source), max_pixels_(max_pixels) {}

  ProbedImage probe(std::uint64_t i) {
    ProbedImage probed;
    try {
      probed.info = read_info(i);
    } catch (const UnsupportedError& error) {
      probed = {.error = error.message(), .is_unsupported = true};
    } catch (const Error& error) {  // includes FileError
      probed = {.error = error.message()};
    }
    return probed;
  }

 private:
  ImageInfo read_info(std::uint64_t i) {
    const std::span<const std::byte> head = source_.read_head(i, head_bytes_, buffer_);
    if (head.size() < head_bytes_) return reader_.read_header(head, max_pixels_);  // the head is the whole sample
    const Codec* codec = codec_of(head);
    if (codec != nullptr && codec->header_bytes != 0) {
      try {
        return reader_.read_header(head, max_pixels_);
      } catch (const DecodeError&) {  // a long or a broken header: read the whole sample
      }
    }
    return reader_.read_header(source_.read(i, buffer_), max_pixels_);
  }

  const SampleSource& source_;
  std::uint64_t max_pixels_;
  std::size_t head_bytes_ = most_header_bytes();
  ReadBuffer buffer_;
  ImageFileReader reader_;
};

}  // namespace

std::vector<ProbedImage> probe_images(const SampleSource& source, std::uint64_t first, std::size_t n,
                                      std::size_t threads, std::uint64_t max_pixels, const StopSignal& stop) {
  std::vector<ProbedImage> probed(n);
  parallel_for((n + kSamplesAtOnce - 1) / kSamplesAtOnce, threads, [&](std::size_t block) {
    const StopScope scope(stop);
    Prober prober(source, max_pixels);
    const std::size_t end = std::min(n, (block + 1) * kSamplesAtOnce);
    for (std::size_t i = block * kSamplesAtOnce; i < end; ++i) {
      throw_if_stopped();
      probed[i] = prober.probe(first + i);
    }
  });
  return probed;
}

}  // namespace fastbatch
