// SPDX-License-Identifier: MIT
// The inverse DCT on every target, against libjpeg's pixels of files with the same coefficients.
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "jpeg_coefficients.h"
#include "kernels/jpeg_idct.h"
#include "kernels_on_all_targets.h"

namespace fastbatch::kernels {
namespace {

using test::kZigzag;
using test::last_of;
using test::Quantizers;
using Words = std::vector<std::int16_t>;

constexpr unsigned kSizes[] = {8, 4, 2, 1};

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  int below(int limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<int>((state_ >> 33U) % static_cast<std::uint64_t>(limit));
  }
  int around(int most) { return below(2 * most + 1) - most; }

 private:
  std::uint64_t state_;
};

struct Result {
  bool in_range;
  std::vector<std::byte> pixels;
  bool operator==(const Result&) const = default;
};

// On a plane that is wider than the blocks; what lies beside them must not change.
Result transform(unsigned size, const Words& blocks, const std::vector<std::uint8_t>& last,
                 const Quantizers& quantizers) {
  const std::size_t n = last.size();
  const std::size_t stride = n * size + 3;
  testing::Arena plane(n, stride * (size - 1) + n * size);
  std::vector<std::byte> before(plane.data(), plane.data() + stride * (size - 1) + n * size);
  const bool in_range = inverse_dct(size, blocks.data(), last.data(), n, quantizers.data(),
                                    reinterpret_cast<std::uint8_t*>(plane.data()), static_cast<std::ptrdiff_t>(stride));
  Result result{in_range, {}};
  for (std::size_t y = 0; y < size; ++y) {
    const std::byte* const row = plane.data() + y * stride;
    result.pixels.insert(result.pixels.end(), row, row + n * size);
    std::copy(row, row + n * size, before.data() + y * stride);
  }
  CHECK(plane.holds(before));
  return result;
}

std::vector<std::byte> by_libjpeg(unsigned size, const Words& blocks, const Quantizers& quantizers) {
  const auto pixels = test::read_jpeg(test::write_blocks(blocks, quantizers), JCS_GRAYSCALE, 8 / size);
  const auto* bytes = reinterpret_cast<const std::byte*>(pixels.data());
  return {bytes, bytes + pixels.size()};
}

Quantizers quantizers_of(int least, int most, Random& random) {
  Quantizers table{};
  for (std::int16_t& value : table) value = static_cast<std::int16_t>(least + random.below(most - least + 1));
  return table;
}

// n_coefficients of each block, up to zigzag index `last`, not 0 beyond `most`.
Words blocks_of(std::size_t n, int n_coefficients, int last, int most, Random& random) {
  Words blocks(64 * n);
  for (std::size_t b = 0; b < n; ++b) {
    for (int i = 0; i < n_coefficients; ++i) {
      blocks[64 * b + kZigzag[static_cast<std::size_t>(random.below(last + 1))]] =
          static_cast<std::int16_t>(random.around(most));
    }
  }
  return blocks;
}

TEST_CASE("inverse_dct: blocks of any content are in range or refused, on all targets alike") {
  Random random(7);
  std::size_t n_in_range = 0;
  std::size_t n_refused = 0;
  for (int round = 0; round < 1500; ++round) {
    const int last = round % 5 == 0 ? 0 : round % 5 == 1 ? 9 : random.below(64);
    const int most = 1 << random.below(11);
    const int step = 1 << random.below(round % 3 == 0 ? 8 : 4);
    const auto n = static_cast<std::size_t>(1 + random.below(9));
    const Quantizers quantizers = quantizers_of(1, step, random);
    const Words blocks = blocks_of(n, 1 + random.below(90), last, std::min(most, 1023), random);
    for (const unsigned size : kSizes) {
      const std::vector<std::byte> wanted = by_libjpeg(size, blocks, quantizers);
      int refused = 0;
      int targets = 0;
      testing::on_all_targets([&] {
        const Result result = transform(size, blocks, last_of(blocks), quantizers);
        CAPTURE(size);
        CAPTURE(round);
        ++targets;
        if (result.in_range) {
          CHECK(result.pixels == wanted);
          CHECK(transform(size, blocks, std::vector<std::uint8_t>(n, 63), quantizers) == result);
        } else {
          ++refused;
        }
      });
      CHECK((refused == 0 || refused == targets));
      ++(refused == 0 ? n_in_range : n_refused);
    }
  }
  CHECK(n_in_range > 2000);
  CHECK(n_refused > 500);
}

TEST_CASE("inverse_dct: what an encoder makes of pixels is in range") {
  Random random(3);
  for (const int kind : {0, 1, 2}) {  // black or white pixels at random; any pixels; smooth
    for (const int quality : {1, 5, 30, 60, 90, 100}) {
      std::vector<std::uint8_t> pixels;
      for (int i = 0; i < 8 * 1600; ++i) {
        pixels.push_back(static_cast<std::uint8_t>(kind == 0   ? 255 * random.below(2)
                                                   : kind == 1 ? random.below(256)
                                                               : (i % 1600) / 7 + random.below(9)));
      }
      test::JpegKind gray;
      gray.components = 1;
      gray.quality = quality;
      const std::vector<std::byte> file = test::write_jpeg(pixels, 1600, 8, gray);
      const test::Coefficients found = test::read_coefficients(file);
      const Words& blocks = found.blocks[0];
      Quantizers quantizers{};
      std::ranges::copy(found.frame.components[0].quantizers, quantizers.begin());
      for (const unsigned size : kSizes) {
        const auto wanted = test::read_jpeg(file, JCS_GRAYSCALE, 8 / size);
        testing::on_all_targets([&] {
          const Result result = transform(size, blocks, last_of(blocks), quantizers);
          CHECK(result.in_range);
          CHECK(std::equal(wanted.begin(), wanted.end(), reinterpret_cast<const std::uint8_t*>(result.pixels.data())));
        });
      }
    }
  }
}

TEST_CASE("inverse_dct: the edges of the range") {
  // A lone first coefficient: pixels from -512 to 511.
  for (const auto& [first, in_range] : {std::pair{4091, true}, {4092, false}, {-4100, true}, {-4101, false}}) {
    Words blocks(64);
    blocks[0] = static_cast<std::int16_t>(first);
    Quantizers ones;
    ones.fill(1);
    for (const unsigned size : kSizes) {
      testing::on_all_targets([&] {
        CHECK(transform(size, blocks, {0}, ones).in_range == in_range);
        CHECK(transform(size, blocks, {63}, ones).in_range == in_range);
      });
    }
  }
  // Values with more than 16 bits, and the word without an absolute value, whichever block of a row has them.
  for (const auto& [value, step] :
       {std::pair{-32768, 1}, {32767, 1}, {-32768, 4095}, {32767, 4095}, {1024, 64}, {-1024, 64}}) {
    for (std::size_t k = 0; k < 64; ++k) {
      for (std::size_t at = 0; at < 5; ++at) {
        Words blocks(64 * 5);
        for (std::size_t b = 0; b < 5; ++b) blocks[64 * b] = 10;
        blocks[64 * at + k] = static_cast<std::int16_t>(value);
        if (k == 9) blocks[64 * at + 18] = 32767;
        Quantizers table;
        table.fill(static_cast<std::int16_t>(step));
        testing::on_all_targets([&] { CHECK_FALSE(transform(8, blocks, last_of(blocks), table).in_range); });
      }
    }
  }
}

}  // namespace
}  // namespace fastbatch::kernels
