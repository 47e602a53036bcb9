// SPDX-License-Identifier: MIT
// The filters of PNG undone, on every target, against their definition.
#include <doctest/doctest.h>

#include <cstdlib>

#include "kernels/unfilter.h"
#include "kernels_on_all_targets.h"

namespace fastbatch::kernels {
namespace {

using testing::Arena;
using testing::noise;

int guess(unsigned filter, int left, int above, int corner) {
  switch (filter) {
    case 0: return 0;
    case 1: return left;
    case 2: return above;
    case 3: return (left + above) / 2;
    default: break;
  }
  const int p = left + above - corner;
  const int a = std::abs(p - left), b = std::abs(p - above), c = std::abs(p - corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

std::vector<std::byte> by_definition(unsigned filter, std::size_t step, const std::vector<std::byte>& above,
                                     std::vector<std::byte> row) {
  const auto at = [](const std::vector<std::byte>& bytes, std::size_t i) { return std::to_integer<int>(bytes[i]); };
  for (std::size_t i = 0; i < row.size(); ++i) {
    const int left = i < step ? 0 : at(row, i - step);
    const int corner = i < step ? 0 : at(above, i - step);
    row[i] = static_cast<std::byte>(at(row, i) + guess(filter, left, at(above, i), corner));
  }
  return row;
}

TEST_CASE("unfilter: every filter, every size of a pixel, every length") {
  for (unsigned filter = 0; filter < kPngFilters; ++filter) {
    for (const std::size_t step : {1U, 2U, 3U, 4U, 6U, 8U}) {
      for (std::size_t pixels = 0; pixels < 70; ++pixels) {
        const std::size_t n = pixels * step;
        std::vector<std::byte> above = noise(n, filter + 1);
        std::vector<std::byte> row = noise(n, pixels + 2);
        if (pixels % 3 == 0) {  // few values: distances are often equal
          for (std::byte& byte : above) byte &= std::byte{0x81};
          for (std::byte& byte : row) byte &= std::byte{0x81};
        }
        const std::vector<std::byte> wanted = by_definition(filter, step, above, row);
        testing::on_all_targets([&] {
          Arena memory(pixels, row);
          const Arena read_only(pixels + 5, above);
          unfilter(filter, step, reinterpret_cast<const std::uint8_t*>(above.data()),
                   reinterpret_cast<std::uint8_t*>(memory.data()), n);
          CHECK(memory.holds(wanted));
        });
      }
    }
  }
}

}  // namespace
}  // namespace fastbatch::kernels
