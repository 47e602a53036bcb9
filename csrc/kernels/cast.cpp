// SPDX-License-Identifier: MIT
// convert(): divides a sample into runs of elements that are contiguous in src and in dst. If the layout changes, the
// sample is converted in pieces through a buffer on the stack that fits into the L1 cache.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "kernels/cast.h"
#include "kernels/kernels.h"

namespace fastbatch::kernels {
namespace {

constexpr std::size_t kPieceBytes = 8192;  // source and target pieces fit into a 32 KiB cache
constexpr std::size_t kGroup = 4;          // channels that are transposed together

std::size_t bits_of(DType dtype) { return dtype == DType::kBool ? 8 : 8 * size_of(dtype); }

bool computes_in_f32(DType src, DType dst) {
  const auto fits = [](DType dtype) { return dtype == DType::kF32 || bits_of(dtype) <= 16; };
  return dst == DType::kF16 || (fits(src) && fits(dst));
}

// The state of one conversion: its types and run function.
class Converter {
 public:
  Converter(const Conversion& conversion, Stores stores)
      : conversion_(conversion),
        stores_(stores),
        src_size_(size_of(conversion.src)),
        dst_size_(size_of(conversion.dst)) {
    affine_.in_f32 = computes_in_f32(conversion.src, conversion.dst);
  }

  void convert(const std::byte* src, std::byte* dst, std::size_t pixels) {
    const std::size_t channels = conversion_.channels;
    const bool same_layout = conversion_.from == conversion_.to || channels == 1 || pixels == 1;
    if (!same_layout && conversion_.from == Channels::kLast) {
      to_planes(src, dst, pixels);
    } else if (!same_layout) {
      to_pixels(src, dst, pixels);
    } else if (conversion_.scale.empty()) {
      use_channels(0, 0);
      run(src, dst, pixels * channels);
    } else if (conversion_.from == Channels::kFirst && pixels != 1) {
      for (std::size_t c = 0; c < channels; ++c) {
        use_channels(c, 1);
        run(src + c * pixels * src_size_, dst + c * pixels * dst_size_, pixels);
      }
    } else {
      in_pixels(src, dst, pixels);
    }
  }

 private:
  [[nodiscard]] bool copies() const { return conversion_.src == conversion_.dst && conversion_.scale.empty(); }

  // Sets the scales of run() to channels first ... first + count - 1, cyclically.
  void use_channels(std::size_t first, std::size_t count) {
    if (!conversion_.scale.empty()) {
      // If it fits, a period of whole vectors: the least common multiple of `count` and the longest vector.
      const std::size_t whole = std::lcm(count, std::size_t{64});
      const std::size_t longest = Affine::kCapacity / count * count;
      affine_.period = count == 1 ? 1 : std::min(whole, longest);
      if (affine_.in_f32) {
        fill(affine_.f32, first, count);
      } else {
        fill(affine_.f64, first, count);
      }
    }
    run_ = find_vector_run(conversion_.src, conversion_.dst, affine_);
  }

  template <typename T>
  void fill(Affine::Table<T>& table, std::size_t first, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      table.scale[i] = static_cast<T>(conversion_.scale[first + i]);
      table.shift[i] = static_cast<T>(conversion_.shift[first + i]);
    }
    for (std::size_t i = count; i < affine_.period; ++i) {
      table.scale[i] = table.scale[i - count];
      table.shift[i] = table.shift[i - count];
    }
    if (affine_.period == 1) return;  // broadcast, never loaded as a vector
    std::fill_n(table.scale + affine_.period, Affine::kPadding, T{0});
    std::fill_n(table.shift + affine_.period, Affine::kPadding, T{0});
  }

  // n elements in this machine's byte order.
  void run_native(const std::byte* src, std::byte* dst, std::size_t n) const {
    if (copies()) {
      std::memcpy(dst, src, n * src_size_);
    } else if (run_ != nullptr) {
      run_(src, dst, n, affine_);
    } else {
      run_scalar(conversion_.src, conversion_.dst, src, dst, n, affine_);
    }
  }

  // n elements in the source's byte order, starting at the first channel of use_channels().
  void run(const std::byte* src, std::byte* dst, std::size_t n) const {
    if (!conversion_.swap_bytes) return run_native(src, dst, n);
    if (copies()) return byte_swap(src, dst, n, src_size_);
    alignas(64) std::byte piece[kPieceBytes];
    const std::size_t period = std::max<std::size_t>(affine_.period, 1);
    const std::size_t step = kPieceBytes / src_size_ / period * period;  // every piece starts at the first channel
    for (std::size_t start = 0; start < n; start += step) {
      const std::size_t count = std::min(step, n - start);
      byte_swap(src + start * src_size_, piece, count, src_size_);
      run_native(piece, dst + start * dst_size_, count);
    }
  }

  // Pixels to pixels, with one scale per channel.
  void in_pixels(const std::byte* src, std::byte* dst, std::size_t pixels) {
    const std::size_t channels = conversion_.channels;
    if (channels <= Affine::kCapacity) {
      use_channels(0, channels);
      return run(src, dst, pixels * channels);
    }
    for (std::size_t first = 0; first < channels; first += Affine::kCapacity) {
      const std::size_t count = std::min(Affine::kCapacity, channels - first);
      use_channels(first, count);
      for (std::size_t p = 0; p < pixels; ++p) {
        const std::size_t start = p * channels + first;
        run(src + start * src_size_, dst + start * dst_size_, count);
      }
    }
  }

  // Converts pixels with split_rgb() and returns their number; a plain cast has scale 1.
  std::size_t rgb_to_planes(const std::byte* src, std::byte* dst, std::size_t pixels) const {
    if (conversion_.src != DType::kU8 || conversion_.channels != 3) return 0;
    float scale[3] = {1, 1, 1};
    float shift[3] = {};
    for (std::size_t c = 0; c < conversion_.scale.size(); ++c) {
      scale[c] = static_cast<float>(conversion_.scale[c]);
      shift[c] = static_cast<float>(conversion_.shift[c]);
    }
    return split_rgb(conversion_.dst, src, dst, pixels * dst_size_, pixels, scale, shift, stores_);
  }

  void to_planes(const std::byte* src, std::byte* dst, std::size_t pixels) {
    const std::size_t channels = conversion_.channels;
    const std::size_t done = rgb_to_planes(src, dst, pixels);
    alignas(64) std::byte piece[kPieceBytes];
    const std::size_t step = kPieceBytes / kGroup / src_size_;
    for (std::size_t first = 0; first < channels; first += kGroup) {
      const std::size_t group = std::min(kGroup, channels - first);
      for (std::size_t start = done; start < pixels; start += step) {
        const std::size_t count = std::min(step, pixels - start);
        const std::byte* from = src + (start * channels + first) * src_size_;
        pixels_to_planes(from, channels * src_size_, piece, step * src_size_, count, group, src_size_);
        for (std::size_t c = 0; c < group; ++c) {
          use_channels(first + c, 1);
          run(piece + c * step * src_size_, dst + ((first + c) * pixels + start) * dst_size_, count);
        }
      }
    }
  }

  void to_pixels(const std::byte* src, std::byte* dst, std::size_t pixels) {
    const std::size_t channels = conversion_.channels;
    alignas(64) std::byte piece[kPieceBytes];
    const std::size_t step = kPieceBytes / kGroup / dst_size_;
    for (std::size_t first = 0; first < channels; first += kGroup) {
      const std::size_t group = std::min(kGroup, channels - first);
      for (std::size_t start = 0; start < pixels; start += step) {
        const std::size_t count = std::min(step, pixels - start);
        for (std::size_t c = 0; c < group; ++c) {
          use_channels(first + c, 1);
          run(src + ((first + c) * pixels + start) * src_size_, piece + c * step * dst_size_, count);
        }
        std::byte* to = dst + (start * channels + first) * dst_size_;
        planes_to_pixels(piece, step * dst_size_, to, channels * dst_size_, count, group, dst_size_);
      }
    }
  }

  const Conversion& conversion_;
  const Stores stores_;
  std::size_t src_size_;
  std::size_t dst_size_;
  Run run_ = nullptr;
  Affine affine_;
};

}  // namespace

void convert(const Conversion& conversion, const std::byte* src, std::byte* dst, std::size_t pixels, Stores stores) {
  if (conversion.src == DType::kOpaque || conversion.dst == DType::kOpaque) {
    throw std::invalid_argument("cast: expected numeric or bool elements, found opaque ones");
  }
  const std::size_t n_scales = conversion.scale.size();
  if (conversion.shift.size() != n_scales || (n_scales != 0 && n_scales != conversion.channels)) {
    throw std::invalid_argument("cast: expected " + std::to_string(conversion.channels) + " scales and shifts, found " +
                                std::to_string(n_scales) + " and " + std::to_string(conversion.shift.size()));
  }
  if (pixels == 0 || conversion.channels == 0) return;
  Converter(conversion, stores).convert(src, dst, pixels);
}

}  // namespace fastbatch::kernels
