// SPDX-License-Identifier: MIT
#include "codecs/verify.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>

#include "codecs/file_reader.h"
#include "common/error.h"
#include "common/parallel.h"

namespace fastbatch {
namespace {

VerifiedImage verify(const SampleSource& source, std::uint64_t i, std::uint64_t max_pixels, ReadBuffer& buffer,
                     ImageFileReader& reader) {
  VerifiedImage found;
  try {
    const std::span<const std::byte> file = source.read(i, buffer);
    found.n_bytes = file.size();
    const ImageInfo info = reader.read_header(file, max_pixels);
    const std::optional<ColorMode> mode = color_mode_named(info.mode, info.mode);
    if (!mode) throw UnsupportedError({}, wrong_mode_text(info.mode));
    reader.check(*mode);
  } catch (const UnsupportedError& error) {
    found.error = error.message();
    found.is_unsupported = true;
  } catch (const FileError& error) {
    found.error = error.message();
    found.system_error = error.code();
  } catch (const Error& error) {
    found.error = error.message();
  } catch (const std::bad_alloc&) {
    found.error = "not enough memory to decode it";
    found.system_error = ENOMEM;
  }
  return found;
}

}  // namespace

std::optional<ColorMode> color_mode_named(std::string_view name, std::string_view stored) noexcept {
  if (name == "RGB") return ColorMode::kRgb;
  if (name == "RGBA") return ColorMode::kRgba;
  if (name == "L" || name == "1") return ColorMode::kGray;
  if (name == "I") return stored == "I;16" ? ColorMode::kGray16 : ColorMode::kGray;
  if (name == "I;16") return ColorMode::kGray16;
  if (name == "P") return ColorMode::kIndex;
  if (name == "LA") return ColorMode::kGrayAlpha;
  return std::nullopt;
}

std::string wrong_mode_text(std::string_view stored) {
  return "expected an image of a mode that arrays of 8 or 16 bits hold, found " + std::string(stored);
}

std::vector<VerifiedImage> verify_images(const SampleSource& source, std::uint64_t first, std::size_t n,
                                         std::size_t threads, std::uint64_t max_pixels, const StopSignal& stop) {
  std::vector<VerifiedImage> verified(n);
  std::atomic<std::size_t> begun{0};
  const std::size_t n_threads = std::min(threads, n);
  parallel_for(n_threads, n_threads, [&](std::size_t) {
    const StopScope scope(stop);
    ReadBuffer buffer;
    ImageFileReader reader;
    for (std::size_t i; (i = begun.fetch_add(1, std::memory_order_relaxed)) < n;) {
      throw_if_stopped();
      verified[i] = verify(source, first + i, max_pixels, buffer, reader);
    }
  });
  return verified;
}

}  // namespace fastbatch
