// SPDX-License-Identifier: MIT
#include "codecs/probe.h"

#include <algorithm>
#include <span>

#include "codecs/image_file_reader.h"
#include "common/error.h"
#include "common/parallel.h"
#include "source/open_file.h"

namespace fastbatch {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30U;
constexpr std::size_t kHeadBytes = 65536;
constexpr std::size_t kFilesAtOnce = 32;  // by one reader

// What one thread needs.
class Prober {
 public:
  ProbedImage probe(std::string_view path) {
    ProbedImage probed;
    try {
      if (!probe_head(path, probed.info))
        probed.info = reader_.read_header(file_.read(path, kMaxFileBytes), max_pixels_);
    } catch (const UnsupportedError& error) {
      probed = {.error = error.message(), .is_foreign = true};
    } catch (const Error& error) {  // FileError among them
      probed = {.error = error.message()};
    }
    return probed;
  }
  explicit Prober(std::uint64_t max_pixels) : head_(kHeadBytes), max_pixels_(max_pixels) {}

 private:
  // Whether the first bytes of a long JPEG told everything. Other formats may go on to speak of themselves at their
  // end.
  bool probe_head(std::string_view path, ImageInfo& info) {
    const OpenFile file{std::string(path)};
    if (file.size() <= kHeadBytes) return false;
    const std::span<const std::byte> head(head_.data(), file.read_at(0, head_));
    if (format_of(head) != ImageFormat::kJpeg) return false;
    try {
      info = reader_.read_header(head, max_pixels_);
    } catch (const DecodeError&) {
      return false;  // a long header, or a broken one: the whole file will tell
    }
    return true;
  }

  FileBuffer file_;
  ImageFileReader reader_;
  std::vector<std::byte> head_;
  std::uint64_t max_pixels_;
};

}  // namespace

std::vector<ProbedImage> probe_images(const FileList& files, std::size_t first, std::size_t n, std::size_t threads,
                                      std::uint64_t max_pixels) {
  std::vector<ProbedImage> probed(n);
  parallel_for((n + kFilesAtOnce - 1) / kFilesAtOnce, threads, [&](std::size_t block) {
    Prober prober(max_pixels);
    const std::size_t end = std::min(n, (block + 1) * kFilesAtOnce);
    for (std::size_t i = block * kFilesAtOnce; i < end; ++i) probed[i] = prober.probe(files[first + i]);
  });
  return probed;
}

}  // namespace fastbatch
